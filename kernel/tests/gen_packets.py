#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Protected packets for esp_test.c, ah_test.c and esn_test.c, made by code that is not the driver's.

Prints a header: for every algorithm what an IPv4 and an IPv6 packet become, by the RFCs, with
OpenSSL's ciphers and Python's HMAC. Run it in this folder after a change:

    ./gen_packets.py esp > esp_packets.h
    ./gen_packets.py ah > ah_packets.h
    ./gen_packets.py esn > esn_packets.h
"""
import hashlib
import hmac
import struct
import sys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SPI = 0x20000002
SEQ = 0x01020304
# the upper half of an extended number: authenticated, and not in the packet
HIGH = 0x0a0b0c0d
IV = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")

HASHES = [
    ("MD5", hashlib.md5, 16, 12),
    ("SHA1", hashlib.sha1, 20, 12),
    ("SHA256", hashlib.sha256, 32, 16),
    ("SHA384", hashlib.sha384, 48, 24),
    ("SHA512", hashlib.sha512, 64, 32),
]
NO_HASH = ("NONE", None, 0, 0)


def cipher_key(n):
    return bytes(i + 1 for i in range(n))


def integrity_key(n):
    return bytes(0x80 + i for i in range(n))


def checksum(header):
    total = sum(struct.unpack("!%dH" % (len(header) // 2), header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol, payload_len, options=b"", ident=0x1234):
    header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                         20 + len(options) + payload_len, ident, 0x4000, 64, protocol, 0,
                         bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def ipv6(next_header, payload_len, traffic_class=0, flow=0):
    local = bytes.fromhex("20010db8000000000000000000000001")
    remote = bytes.fromhex("20010db8000000000000000000000002")
    return struct.pack("!IHBB16s16s", 6 << 28 | traffic_class << 20 | flow, payload_len,
                       next_header, 64, local, remote)


def pattern(n):
    return bytes((i * 5 + 3) & 0xFF for i in range(n))


# --- ESP ---------------------------------------------------------------------------------

CIPHERS = [
    ("NULL", 0, 4, 0, None),
    ("DES", 8, 8, 8, lambda key: algorithms.TripleDES(key * 3)),
    ("3DES", 24, 8, 8, algorithms.TripleDES),
    ("AES_CBC", 16, 16, 16, algorithms.AES),
    ("AES_CBC", 24, 16, 16, algorithms.AES),
    ("AES_CBC", 32, 16, 16, algorithms.AES),
]


def padded(payload, next_header, block):
    pad = -(len(payload) + 2) % block
    return payload + bytes(range(1, pad + 1)) + bytes([pad, next_header])


def esp_cbc(cipher, hash_, payload, next_header, high=b""):
    _, key_len, block, iv_len, algorithm = cipher
    _, function, hash_key_len, icv_len = hash_
    text = padded(payload, next_header, block)
    iv = IV[:iv_len]
    if algorithm:
        encryptor = Cipher(algorithm(cipher_key(key_len)), modes.CBC(iv)).encryptor()
        text = encryptor.update(text) + encryptor.finalize()
    packet = struct.pack("!II", SPI, SEQ) + iv + text
    if function:
        digest = hmac.new(integrity_key(hash_key_len), packet + high, function).digest()
        packet += digest[:icv_len]
    return packet


def esp_gcm(key_len, payload, next_header, high=b""):
    key = cipher_key(key_len + 4)
    header = struct.pack("!II", SPI, SEQ)
    iv = (high or bytes(4)) + struct.pack("!I", SEQ)
    text = padded(payload, next_header, 4)
    return header + iv + AESGCM(key[:key_len]).encrypt(
        key[key_len:] + iv, text, struct.pack("!I", SPI) + high + struct.pack("!I", SEQ))


def esp_packet(family, esp):
    return (ipv4(50, len(esp)) if family == 4 else ipv6(50, len(esp))) + esp


def esp_vectors():
    # 17 is UDP, whose insides nobody looks at; 37 is a length that needs padding everywhere
    payload = pattern(37)
    for family in (4, 6):
        for cipher in CIPHERS:
            for hash_ in HASHES + ([NO_HASH] if cipher[4] else []):
                yield family, cipher[0], cipher[1], hash_[0], esp_packet(
                    family, esp_cbc(cipher, hash_, payload, 17))
        for key_len in (16, 32):
            yield family, "AES_GCM_16", key_len + 4, "NONE", esp_packet(
                family, esp_gcm(key_len, payload, 17))


# --- AH ----------------------------------------------------------------------------------

# router alert (immutable), record route (mutable), end of options
OPTIONS = bytes.fromhex("94040000") + bytes.fromhex("070b08c0000201") + bytes(4) + b"\0"
# hop-by-hop: router alert, and an option of which bit 5 says that it changes on the way
HOP_MUTABLE = bytes.fromhex("050200003e021122") + b"\x01\x04" + bytes(4)


def ah_header(next_header, icv_len, alignment, icv):
    size = 12 + icv_len
    pad = -size % alignment
    return struct.pack("!BBHII", next_header, (size + pad) // 4 - 2, 0, SPI, SEQ) + icv + bytes(pad)


def ah_icv(hash_, zeroed, payload):
    _, function, key_len, icv_len = hash_
    return hmac.new(integrity_key(key_len), zeroed + payload, function).digest()[:icv_len]


def ah_ipv4(hash_, payload, options, high=b""):
    size = 12 + hash_[3]
    header = ipv4(51, size + len(payload), options)
    zeroed = bytearray(header)
    zeroed[1] = 0                       # TOS
    zeroed[6:8] = bytes(2)              # flags, fragment offset
    zeroed[8] = 0                       # TTL
    zeroed[10:12] = bytes(2)            # checksum
    if options:
        zeroed[24:35] = bytes(11)       # record route
    icv = ah_icv(hash_, bytes(zeroed) + ah_header(17, hash_[3], 4, bytes(hash_[3])),
                 payload + high)
    return header + ah_header(17, hash_[3], 4, icv) + payload


def ah_ipv6(hash_, payload, hop, high=b""):
    size = (12 + hash_[3] + 7) // 8 * 8
    extension = bytes([51, (2 + len(hop)) // 8 - 1]) + hop if hop else b""
    header = ipv6(0 if hop else 51, len(extension) + size + len(payload))
    zeroed = bytearray(header + extension)
    zeroed[0:4] = b"\x60\0\0\0"         # traffic class, flow label
    zeroed[7] = 0                       # hop limit
    if hop:
        zeroed[40 + 2 + 6:40 + 2 + 8] = bytes(2)
    icv = ah_icv(hash_, bytes(zeroed) + ah_header(17, hash_[3], 8, bytes(hash_[3])),
                 payload + high)
    return header + extension + ah_header(17, hash_[3], 8, icv) + payload


def ah_vectors():
    payload = pattern(37)
    for hash_ in HASHES:
        yield 4, hash_[0], ipv4(17, 37) + payload, ah_ipv4(hash_, payload, b"")
        yield 4, hash_[0], ipv4(17, 37, OPTIONS) + payload, ah_ipv4(hash_, payload, OPTIONS)
        yield 6, hash_[0], ipv6(17, 37) + payload, ah_ipv6(hash_, payload, b"")
        extension = bytes([17, (2 + len(HOP_MUTABLE)) // 8 - 1]) + HOP_MUTABLE
        yield (6, hash_[0], ipv6(0, len(extension) + 37) + extension + payload,
               ah_ipv6(hash_, payload, HOP_MUTABLE))


# --- extended sequence numbers -----------------------------------------------------------

def esn_vectors():
    payload, high = pattern(37), struct.pack("!I", HIGH)
    for family in (4, 6):
        for cipher in CIPHERS[0], CIPHERS[2], CIPHERS[3]:
            for hash_ in HASHES[1], HASHES[4]:
                yield family, cipher[0], cipher[1], hash_[0], esp_packet(
                    family, esp_cbc(cipher, hash_, payload, 17, high))
        for key_len in (16, 32):
            yield family, "AES_GCM_16", key_len + 4, "NONE", esp_packet(
                family, esp_gcm(key_len, payload, 17, high))
        for hash_ in HASHES[1], HASHES[2]:
            yield family, "NONE", 0, hash_[0], (
                ah_ipv4(hash_, payload, b"", high) if family == 4 else
                ah_ipv6(hash_, payload, b"", high))


# --- output ------------------------------------------------------------------------------

def c_string(data):
    text = data.hex()
    lines = ['\t  "%s"' % text[i:i + 80] for i in range(0, len(text), 80)]
    return "\n".join(lines)


def print_esp(name, vectors):
    print("static const struct %s_vector %s_vectors[] = {" % (name, name))
    for family, cipher, key_len, hash_, packet in vectors:
        print("\t{ NFPROTO_IPV%d, IPSECDRV_CIPHER_%s, %d, IPSECDRV_INTEGRITY_%s,\n%s },"
              % (family, cipher, key_len, hash_ if hash_ == "NONE" else "HMAC_" + hash_,
                 c_string(packet)))
    print("};\n")


def print_ah():
    print("static const struct ah_vector ah_vectors[] = {")
    for family, hash_, plain, packet in ah_vectors():
        print("\t{ NFPROTO_IPV%d, IPSECDRV_INTEGRITY_HMAC_%s,\n%s,\n%s },"
              % (family, hash_, c_string(plain), c_string(packet)))
    print("};\n")


def main():
    protocol = sys.argv[1].upper()
    print("/* SPDX-License-Identifier: GPL-2.0-only */")
    print("/* Generated by gen_packets.py; do not edit. */")
    print("#ifndef IPD_%s_PACKETS_H\n#define IPD_%s_PACKETS_H\n" % (protocol, protocol))
    print("#define PACKETS_SEQUENCE\t0x%08x" % SEQ)
    if protocol == "ESP":
        print('#define PACKETS_IV\t\t"%s"\n' % IV.hex())
        print_esp("esp", esp_vectors())
    elif protocol == "ESN":
        print("#define PACKETS_HIGH\t\t0x%08x" % HIGH)
        print('#define PACKETS_IV\t\t"%s"\n' % IV.hex())
        print_esp("esn", esn_vectors())
    else:
        print()
        print_ah()
    print("#endif /* IPD_%s_PACKETS_H */" % protocol)


if __name__ == "__main__":
    main()
