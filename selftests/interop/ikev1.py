# SPDX-License-Identifier: MIT
"""An IKEv1 initiator that can lie: main mode with a preshared key, AES-128, SHA-1 and MODP 2048, and
quick mode (RFC 2408, 2409).  Each step takes what shall be sent instead of the truth.

    peer = Initiator("192.0.2.2", "192.0.2.1", b"secret")
    peer.main_mode()
    assert peer.quick_mode()
"""

import hashlib
import hmac
import os
import socket
import struct
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

P2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)

SA, KE, ID, HASH, NONCE, NOTIFY, DELETE, FRAGMENT = 1, 4, 5, 8, 10, 11, 12, 132
MAIN, AGGRESSIVE, INFORMATIONAL, QUICK = 2, 4, 5, 32
ENCRYPTED = 1
PATIENCE = 1.5  # seconds for an answer


def attribute(kind, value):
    return struct.pack("!HH", 0x8000 | kind, value)


def long_attribute(kind, data):
    return struct.pack("!HH", kind, len(data)) + data


def lifetime(seconds):
    return attribute(11, 1) + long_attribute(12, struct.pack("!I", seconds))


# AES-CBC, SHA-1, preshared key, MODP 2048, 128 bits
MM_ATTRIBUTES = (attribute(1, 7) + attribute(2, 2) + attribute(3, 1) + attribute(4, 14) +
                 attribute(14, 128))
# transport mode, HMAC-SHA-1, 128 bits, an hour
QM_ATTRIBUTES = (attribute(1, 1) + attribute(2, 3600) + attribute(4, 2) + attribute(5, 2) +
                 attribute(6, 128))
TRANSFORM_AES = 12


def transforms(*all_attributes, transform_id=1):
    out = b""
    for number, attributes in enumerate(all_attributes, 1):
        more = 3 if number < len(all_attributes) else 0
        out += struct.pack("!BBHBBH", more, 0, 8 + len(attributes), number & 255, transform_id,
                           0) + attributes
    return out


def proposal(body, count, protocol=1, spi=b"", number=1, more=0):
    return struct.pack("!BBHBBBB", more, 0, 8 + len(spi) + len(body), number, protocol, len(spi),
                       count) + spi + body


def sa_body(*proposals, doi=1, situation=1):
    return struct.pack("!II", doi, situation) + b"".join(proposals)


def mm_sa(*all_attributes):
    all_attributes = all_attributes or (MM_ATTRIBUTES + lifetime(28800),)
    return sa_body(proposal(transforms(*all_attributes), len(all_attributes) & 255))


def id_address(address, protocol=0, port=0):
    return struct.pack("!BBH", 1, protocol, port) + socket.inet_aton(address)


def chain(payloads):
    """(first type, bytes) of [(type, body)]."""
    out = b""
    for index, (_, body) in enumerate(payloads):
        following = payloads[index + 1][0] if index + 1 < len(payloads) else 0
        out += struct.pack("!BBH", following, 0, 4 + len(body)) + body
    return (payloads[0][0] if payloads else 0), out


def unchain(first, data):
    found = []
    while first:
        following, _, length = struct.unpack_from("!BBH", data)
        found.append((first, data[4:length]))
        first, data = following, data[length:]
    return found


def message(icookie, rcookie, first, body, exchange=MAIN, flags=0, message_id=0, length=None):
    return icookie + rcookie + struct.pack(
        "!BBBBII", first, 0x10, exchange, flags, message_id,
        28 + len(body) if length is None else length) + body


class Initiator:
    def __init__(self, local, remote, psk, port=500):
        self.local, self.remote, self.psk = local, remote, psk
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((local, port))
        self.socket.connect((remote, 500))
        self.icookie, self.rcookie = os.urandom(8), bytes(8)
        self.secret = int.from_bytes(os.urandom(32), "big")
        self.public = pow(2, self.secret, P2048).to_bytes(256, "big")
        self.nonce = os.urandom(20)
        self.last_block = b""
        self.sa = None
        self.ids = set()

    # --- datagrams ---

    def send(self, data):
        try:
            self.socket.send(data)
        except ConnectionRefusedError:
            self.socket.send(data)
        return data

    def receive(self, patience=PATIENCE):
        self.socket.settimeout(patience)
        try:
            return self.socket.recv(65535)
        except (socket.timeout, BlockingIOError):
            return None

    def all_answers(self, seconds):
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            data = self.receive(left)
            if data:
                found.append(data)
        return found

    # --- main mode ---

    def message_1(self, sa=None):
        self.sa = mm_sa() if sa is None else sa
        first, body = chain([(SA, self.sa)])
        return message(self.icookie, bytes(8), first, body)

    def step_1(self, sa=None):
        """HDR, SA --> and the answer's payloads; None for silence, [] for a refusal."""
        self.send(self.message_1(sa))
        return self.take_sa(self.receive())

    def take_sa(self, data):
        if data is None:
            return None
        if data[18] != MAIN or data[16] != SA:
            return []
        self.rcookie = data[8:16]
        return unchain(data[16], data[28:])

    def message_3(self, public=None, nonce=None):
        self.nonce = self.nonce if nonce is None else nonce
        first, body = chain([(KE, self.public if public is None else public), (NONCE, self.nonce)])
        return message(self.icookie, self.rcookie, first, body)

    def step_3(self, public=None, nonce=None):
        """HDR, KE, Ni --> ; True if the answer has the other half."""
        self.send(self.message_3(public, nonce))
        data = self.receive()
        if data is None or data[18] != MAIN:
            return False
        found = dict(unchain(data[16], data[28:]))
        if KE not in found:
            return False
        self.derive(found[KE], found[NONCE])
        return True

    def prf(self, key, data):
        return hmac.new(key, data, hashlib.sha1).digest()

    def derive(self, peer_public, peer_nonce):
        self.peer_public = peer_public
        shared = pow(int.from_bytes(peer_public, "big"), self.secret, P2048).to_bytes(256, "big")
        cookies = self.icookie + self.rcookie
        self.skeyid = self.prf(self.psk, self.nonce + peer_nonce)
        self.skeyid_d = self.prf(self.skeyid, shared + cookies + b"\0")
        self.skeyid_a = self.prf(self.skeyid, self.skeyid_d + shared + cookies + b"\1")
        self.key = self.prf(self.skeyid, self.skeyid_a + shared + cookies + b"\2")[:16]
        self.iv = hashlib.sha1(self.public + peer_public).digest()[:16]

    def encrypt(self, iv, data):
        data += bytes(-len(data) % 16)
        engine = Cipher(algorithms.AES(self.key), modes.CBC(iv)).encryptor()
        return engine.update(data) + engine.finalize()

    def decrypt(self, iv, data):
        engine = Cipher(algorithms.AES(self.key), modes.CBC(iv)).decryptor()
        return engine.update(data) + engine.finalize()

    def message_5(self, identity=None, digest=None):
        identity = id_address(self.local) if identity is None else identity
        digest = digest or self.prf(self.skeyid, self.public + self.peer_public + self.icookie +
                                    self.rcookie + self.sa + identity)
        first, body = chain([(ID, identity), (HASH, digest)])
        return message(self.icookie, self.rcookie, first, self.encrypt(self.iv, body), MAIN,
                       ENCRYPTED)

    def step_5(self, identity=None, digest=None):
        """HDR*, IDii, HASH_I --> ; True if the other proves that it knows the key."""
        sent = self.send(self.message_5(identity, digest))
        return self.take_message_6(sent, self.receive())

    def take_message_6(self, sent, data):
        if data is None or data[18] != MAIN or not data[19] & ENCRYPTED:
            return False
        iv, self.last_block = sent[-16:], data[-16:]
        found = dict(unchain(data[16], self.decrypt(iv, data[28:])))
        wanted = self.prf(self.skeyid, self.peer_public + self.public + self.rcookie +
                          self.icookie + self.sa + found[ID])
        return found.get(HASH) == wanted

    def main_mode(self):
        return bool(self.step_1()) and self.step_3() and self.step_5()

    # --- phase 2 ---

    def new_id(self):
        return int.from_bytes(os.urandom(4), "big") or 1

    def protected(self, exchange, message_id, payloads, digest=None, before=b""):
        """HDR*, HASH(1), ... --> ; digest: something else than the right one, b"" for none."""
        first, rest = chain(payloads)
        if digest is None:
            digest = self.prf(self.skeyid_a, struct.pack("!I", message_id) + before + rest)
        iv = hashlib.sha1(self.last_block + struct.pack("!I", message_id)).digest()[:16]
        if digest:
            body = struct.pack("!BBH", first, 0, 4 + len(digest)) + digest + rest
            first = HASH
        else:
            body = rest
        return message(self.icookie, self.rcookie, first, self.encrypt(iv, body), exchange,
                       ENCRYPTED, message_id)

    def quick_payloads(self, spi=None, attributes=QM_ATTRIBUTES, local=None, remote=None):
        self.spi = os.urandom(4) if spi is None else spi
        if self.spi[:3] == b"\0\0\0" and spi is None:
            self.spi = b"\1\1\1\1"
        body = sa_body(proposal(transforms(attributes, transform_id=TRANSFORM_AES), 1, 3, self.spi))
        self.quick_nonce = os.urandom(20)
        return [(SA, body), (NONCE, self.quick_nonce),
                (ID, local or id_address(self.local)), (ID, remote or id_address(self.remote))]

    def quick_mode(self, message_id=None, finish=True, **bent):
        """True if the answer is an SA with the right HASH(2)."""
        message_id = self.new_id() if message_id is None else message_id
        sent = self.send(self.protected(QUICK, message_id, self.quick_payloads(**bent)))
        end = time.monotonic() + PATIENCE
        while (data := self.receive(max(0.01, end - time.monotonic()))) is not None:
            if data[18] == QUICK and struct.unpack_from("!I", data, 20)[0] == message_id:
                return self.take_quick_2(sent, data, message_id, finish)
        return False

    def take_quick_2(self, sent, data, message_id, finish):
        plain = self.decrypt(sent[-16:], data[28:])
        found = unchain(data[16], plain)
        kinds = dict(found)
        length = sum(4 + len(body) for _, body in found)
        packed_id = struct.pack("!I", message_id)
        wanted = self.prf(self.skeyid_a, packed_id + self.quick_nonce + plain[24:length])
        if kinds.get(HASH) != wanted or SA not in kinds:
            return False
        if finish:
            digest = self.prf(self.skeyid_a, b"\0" + packed_id + self.quick_nonce + kinds[NONCE])
            first, body = chain([(HASH, digest)])
            self.send(message(self.icookie, self.rcookie, first,
                              self.encrypt(data[-16:], body), QUICK, ENCRYPTED, message_id))
        return True
