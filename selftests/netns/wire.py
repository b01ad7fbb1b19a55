#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams and frames for the tests of associations (sa_*.sh).

  wire.py receive 4|6 PORT            one TCP connection; prints bytes and SHA-256 of what came
  wire.py send ADDRESS PORT BYTES     a stream of a fixed pattern; prints the same
  wire.py mirror PORT                 sends back what comes in TCP connections, one after the other
  wire.py reflect ADDRESS PORT BYTES  the stream to a mirror; fails unless the same comes back
  wire.py udp ADDRESS PORT SIZE [N [TEXT [FROM]]]   N datagrams that begin with TEXT, from that port
  wire.py largest ADDRESS PORT SIZE   a datagram that nobody may cut, again as large as the stack
                                      says when it is too big; prints the size that was sent, and
                                      fails if one byte more is sent as well
  wire.py count ADDRESS PORT N        N numbered datagrams of many sizes
  wire.py counted 4|6 PORT N          waits for the last of them; prints what came late, and how many
  wire.py burst ADDRESS PORT SIZE N   N datagrams from a process that nothing else interrupts
  wire.py frames PCAP                 how many there are
  wire.py resend DEVICE PCAP [ORDER]  the frames again; ORDER: reverse, or indexes 3,1,2
  wire.py flip DEVICE PCAP INDEX FROM    every bit flipped from byte FROM of the packet on
  wire.py cut DEVICE PCAP INDEX FROM     cut to every length from FROM on, IP header adjusted
  wire.py patch DEVICE PCAP INDEX OFFSET:HEX... [+ ...]   some bytes changed, IPv4 checksum right;
                                      behind a plus the next packet of the kind
  wire.py toobig TARGET LOCAL REMOTE SPI NUMBER MTU [PORT PORT]   ICMP about an ESP packet that
                                      TARGET sent, in UDP if there are ports
  wire.py piece SOURCE TARGET PORT ID 1|2 [DEVICE MAC]  one half of an IPv4 datagram of UDP, as a
                                      frame if told where
  wire.py encap [plain]               takes UDP port 4500, for XFRM unless plain, and prints in
                                      hexadecimal what is left to it
  wire.py datagram TARGET PORT HEX[,HEX...] [SOURCE-PORT]   datagrams of these bytes
  wire.py segments TARGET PCAP        the UDP payloads of a capture to port 4500 in one packet that
                                      the stack has to cut, all of one length, from port 4500

Offsets are those of the IP packet. Frames have Ethernet headers; pcap is tcpdump's.
The commands that send frames print how many they sent.
"""
import errno
import hashlib
import os
import select
import socket
import struct
import sys
import threading

CHUNK = 65536
# of Linux; this Python has no names for them
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33


def pattern(offset, size):
    """a stream that does not repeat within a connection"""
    block = hashlib.sha256(struct.pack("!Q", offset // CHUNK)).digest() * (CHUNK // 32)
    return block[:size]


def open_port(family, port):
    server = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", int(port)))
    server.listen(1)
    print("listening", flush=True)
    return server


def take_stream(connection):
    """bytes and SHA-256 of what comes, as words"""
    digest, total = hashlib.sha256(), 0
    while data := connection.recv(CHUNK):
        digest.update(data)
        total += len(data)
    return f"{total} {digest.hexdigest()}"


def put_stream(connection, size):
    """the same of what is sent"""
    digest, total = hashlib.sha256(), 0
    while total < size:
        data = pattern(total, min(CHUNK, size - total))
        connection.sendall(data)
        digest.update(data)
        total += len(data)
    connection.shutdown(socket.SHUT_WR)
    return f"{total} {digest.hexdigest()}"


def receive(family, port):
    connection, _ = open_port(family, port).accept()
    print(take_stream(connection))


def send(address, port, size):
    connection = socket.create_connection((address, int(port)), timeout=120)
    print(put_stream(connection, int(size)))


def mirror(port):
    # of both families
    server = open_port("6", port)
    while True:
        connection, _ = server.accept()
        while data := connection.recv(CHUNK):
            connection.sendall(data)
        connection.close()


def reflect(address, port, size):
    connection = socket.create_connection((address, int(port)), timeout=120)
    came = []
    taker = threading.Thread(target=lambda: came.append(take_stream(connection)))
    taker.start()
    sent = put_stream(connection, int(size))
    taker.join()
    if came != [sent]:
        sys.exit(f"sent {sent}, came back {came}")


def udp(address, port, size, count="1", text="", source="0"):
    info = socket.getaddrinfo(address, int(port), type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(info[0], socket.SOCK_DGRAM)
    sock.bind(("", int(source)))
    for _ in range(int(count)):
        sock.sendto((text.encode() + b"." * int(size))[:int(size)], info[4])


def attempt(target, size):
    """sends that much as one packet, or says what would fit; errors of others are not in the way"""
    sock = socket.socket(target[0], socket.SOCK_DGRAM)
    # IP_MTU_DISCOVER and IP_RECVERR, IPV6_MTU_DISCOVER and IPV6_RECVERR; IP_PMTUDISC_DO is 2
    level, discover, errors, header = (
        (socket.IPPROTO_IP, 10, 11, 28) if target[0] == socket.AF_INET else
        (socket.IPPROTO_IPV6, 23, 25, 48))
    sock.setsockopt(level, discover, 2)
    sock.setsockopt(level, errors, 1)
    sock.connect(target[4])
    try:
        return sock.send(b"." * size)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
    told = sock.recvmsg(1, 512, socket.MSG_ERRQUEUE)[1][0][2]
    return struct.unpack_from("=IBBBBI", told)[5] - header


def largest(address, port, size):
    target, size = socket.getaddrinfo(address, int(port), type=socket.SOCK_DGRAM)[0], int(size)
    while (fits := attempt(target, size)) != size:
        if fits > size:
            sys.exit(f"{size} bytes are too big, and {fits} are what fits")
        size = fits
    if attempt(target, size + 1) != size:
        sys.exit(f"{size + 1} bytes were not too big")
    print(size)


def count(address, port, number):
    info = socket.getaddrinfo(address, int(port), type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(info[0], socket.SOCK_DGRAM)
    for i in range(int(number)):
        sock.sendto(struct.pack("!I", i) + bytes(i * 37 % 1300), info[4])


def counted(family, port, number):
    sock = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET, socket.SOCK_DGRAM)
    # what a slow machine has not read yet must not be taken for lost
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16000000)
    sock.settimeout(120)
    sock.bind(("", int(port)))
    print("listening", flush=True)
    came, late, last = 0, 0, -1
    while last != int(number) - 1:
        (i,) = struct.unpack("!I", sock.recv(65536)[:4])
        came, late, last = came + 1, late + (i < last), max(i, last)
    print(f"{came} came, {late} late")


def burst(address, port, size, number):
    info = socket.getaddrinfo(address, int(port), type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(info[0], socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64000000)
    data = bytes(int(size))
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    for _ in range(int(number)):
        sock.sendto(data, info[4])


# --- frames -------------------------------------------------------------------------------


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    frames, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "IIII", data[at:at + 16])[2]
        frame = data[at + 16:at + 16 + length]
        # the end mark of lib.sh's captures is no packet
        if frame[12:14] != b"\x88\xb5":
            frames.append(frame)
        at += 16 + length
    return frames


class Wire:
    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((device, 0))
        self.sent = 0

    def put(self, frame):
        self.socket.send(frame)
        self.sent += 1


def checksum(header):
    header = header[:10] + b"\0\0" + header[12:]
    total = sum(struct.unpack("!%dH" % (len(header) // 2), header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def fixed(packet):
    """the packet with a right IPv4 checksum; IPv6 has none"""
    if packet[0] >> 4 != 4:
        return packet
    end = (packet[0] & 15) * 4
    return packet[:10] + checksum(packet[:end]) + packet[12:]


def resend(device, path, order=""):
    frames, wire = read_pcap(path), Wire(device)
    if order == "reverse":
        frames.reverse()
    elif order:
        frames = [frames[int(index)] for index in order.split(",")]
    for frame in frames:
        wire.put(frame)
    print(wire.sent)


def flip(device, path, index, start):
    frame, wire = read_pcap(path)[int(index)], Wire(device)
    for bit in range((14 + int(start)) * 8, len(frame) * 8):
        copy = bytearray(frame)
        copy[bit // 8] ^= 1 << bit % 8
        wire.put(bytes(copy))
    print(wire.sent)


def cut(device, path, index, start):
    frame, wire = read_pcap(path)[int(index)], Wire(device)
    link, packet = frame[:14], frame[14:]
    for size in range(int(start), len(packet)):
        if packet[0] >> 4 == 4:
            copy = packet[:2] + struct.pack("!H", size) + packet[4:size]
        else:
            copy = packet[:4] + struct.pack("!H", size - 40) + packet[6:size]
        wire.put(link + fixed(copy))
    print(wire.sent)


def patch(device, path, index, *changes):
    frame, wire = read_pcap(path)[int(index)], Wire(device)
    packet = bytearray(frame[14:])
    for change in (*changes, "+"):
        if change == "+":
            wire.put(frame[:14] + fixed(bytes(packet)))
            packet = bytearray(frame[14:])
            continue
        offset, text = change.split(":")
        data = bytes.fromhex(text)
        packet[int(offset):int(offset) + len(data)] = data
    print(wire.sent)


def frames(path):
    print(len(read_pcap(path)))


def ipv4(source, target, protocol, ident, offset, payload):
    """a packet; offset is the field of the header, flags included"""
    return fixed(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, offset, 64,
                             protocol, 0, socket.inet_aton(source),
                             socket.inet_aton(target)) + payload)


def toobig(target, local, remote, spi, number, mtu, *ports):
    quote = struct.pack("!II", int(spi, 0), int(number))
    if ports:
        quote = struct.pack("!HHHH", int(ports[0]), int(ports[1]), 100, 0) + quote
    quote = ipv4(local, remote, 17 if ports else 50, 1, 0x4000, quote)
    message = struct.pack("!BBHHH", 3, 4, 0, 0, int(mtu)) + quote
    total = sum(struct.unpack("!%dH" % (len(message) // 2), message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = message[:2] + struct.pack("!H", ~total & 0xFFFF) + message[4:]
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(message,
                                                                               (target, 0))


def piece(source, target, port, ident, half, device="", mac=""):
    datagram = struct.pack("!HHHH", 7, int(port), 40, 0) + bytes(range(32))
    if half == "1":
        packet = ipv4(source, target, 17, int(ident), 0x2000, datagram[:24])
    else:
        packet = ipv4(source, target, 17, int(ident), 3, datagram[24:])
    if device:
        frame = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("0200000000ff0800")
        Wire(device).put(frame + packet)
        return
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.sendto(packet, (target, 0))


def encap(plain=""):
    sockets = []
    for family in (socket.AF_INET, socket.AF_INET6):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not plain:
            sock.setsockopt(socket.IPPROTO_UDP, 100, 2)     # UDP_ENCAP, UDP_ENCAP_ESPINUDP
        sock.bind(("", 4500))
        sockets.append(sock)
    print("bound", flush=True)
    while True:
        for sock in select.select(sockets, [], [])[0]:
            data, sender = sock.recvfrom(65535)
            print(sender[0], sender[1], data.hex(), flush=True)


def datagram(target, port, data, source="0"):
    info = socket.getaddrinfo(target, int(port), type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(info[0], socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", int(source)))
    for each in data.split(","):
        sock.sendto(bytes.fromhex(each), info[4])


def segments(target, path):
    payloads = [frame[42:] for frame in read_pcap(path)]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_UDP, 103, len(payloads[0]))  # UDP_SEGMENT
    sock.bind(("", 4500))
    sock.sendto(b"".join(payloads), (target, 4500))
    print(len(payloads))


COMMANDS = {function.__name__: function
            for function in (receive, send, mirror, reflect, udp, largest, count, counted, burst,
                             frames, resend, flip, cut, patch, toobig, piece, encap, datagram,
                             segments)}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
