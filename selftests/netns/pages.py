#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sends pages that are not the packet's own: those of a file, or of this program.

  pages.py file ADDRESS PORT FILE        the whole file over TCP, by sendfile()
  pages.py datagrams ADDRESS PORT FILE   the file over UDP, 1,300 bytes each, by sendfile()
  pages.py memory ADDRESS PORT FILE      the file's contents over TCP, by MSG_ZEROCOPY

"file" and "memory" print the bytes sent and their SHA-256, as "wire.py receive" does of those that
came. "memory" fails when what it sent is not what it has afterwards.
"""
import hashlib
import mmap
import os
import select
import socket
import sys

SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
DATAGRAM = 1300


def connect(address, port, kind):
    info = socket.getaddrinfo(address, int(port), type=kind)[0]
    sock = socket.socket(info[0], kind)
    sock.settimeout(120)
    sock.connect(info[4])
    return sock


def report(data):
    print(len(data), hashlib.sha256(data).hexdigest())


def send_file(address, port, path):
    sock = connect(address, port, socket.SOCK_STREAM)
    with open(path, "rb") as file:
        sock.sendfile(file)
        sock.close()
        file.seek(0)
        report(file.read())


def send_datagrams(address, port, path):
    sock = connect(address, port, socket.SOCK_DGRAM)
    with open(path, "rb") as file:
        for offset in range(0, os.fstat(file.fileno()).st_size, DATAGRAM):
            os.sendfile(sock.fileno(), file.fileno(), offset, DATAGRAM)


def wait_for_notices(sock, count):
    """the kernel says when it has done with each piece"""
    poll = select.poll()
    poll.register(sock, select.POLLERR)
    while count > 0:
        if not poll.poll(120000):
            sys.exit("the kernel keeps the pages")
        _, ancillary, _, _ = sock.recvmsg(0, 1024, socket.MSG_ERRQUEUE)
        for _, _, data in ancillary:
            first, last = (int.from_bytes(data[i:i + 4], sys.byteorder) for i in (8, 12))
            count -= last - first + 1


def send_memory(address, port, path):
    sock = connect(address, port, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    with open(path, "rb") as file:
        data = file.read()
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    sent = pieces = 0
    while sent < len(data):
        sent += sock.send(memoryview(memory)[sent:sent + 65536], MSG_ZEROCOPY)
        pieces += 1
    wait_for_notices(sock, pieces)
    sock.close()
    if memory[:] != data:
        sys.exit("what was sent has changed")
    report(data)


COMMANDS = {"file": send_file, "datagrams": send_datagrams, "memory": send_memory}

if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
