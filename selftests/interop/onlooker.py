#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an onlooker between two hosts sees, judged by one process that stays: starting programs is what
takes time in guests.

usage: onlooker.py DEVICE CAPTURE OURS

CAPTURE is what tcpdump writes meanwhile; OURS is the MAC address of our host.  Commands are lines of
the input, each answered by one line, "ok ..." or "bad ...":

  mark                      forget what has been
  judge [NAME=WANTED]...    look at what has been since, and forget it

Both send a frame of a type of its own through DEVICE and wait until the capture holds it: then it
holds all that came before.  "judge" says what it counted as NAME=NUMBER; a number that is not as
wanted is bad, where 3+ means three or more.

  protected   ESP and AH, in UDP too, of BIG bytes or more: the pings that are counted
  small       the rest of ESP and AH
  main        different messages of main mode, however often each was sent; likewise
              aggressive, info, quick, and other for types that are none of these
  fragments   fragments of messages that our host sent
  pieces      those of the other host
  clear       what our host sent unprotected and should not have
  theirs      the same of the other host
"""

import socket
import struct
import sys
import time

MARK = 0x88B5
BIG = 700
EXCHANGES = {2: "main", 4: "aggressive", 5: "info", 32: "quick"}
FRAGMENT = 0x84  # the payload of Microsoft and Cisco, alone in its message
# Neighbour discovery and listener reports are exempt from policy.
EXEMPT_ICMP6 = range(130, 144)


class Capture:
    """A capture that grows; what has been read of it is not read again."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.file.seek(24)
        self.rest = b""
        self.marks = 0

    def packets(self):
        """Frames that have come, as far as they are whole."""
        data, at, frames = self.rest + self.file.read(), 0, []
        while at + 16 <= len(data):
            length = struct.unpack_from("=I", data, at + 8)[0]
            if at + 16 + length > len(data):
                break
            frames.append(data[at + 16:at + 16 + length])
            at += 16 + length
        self.rest = data[at:]
        return frames

    def until_mark(self, device):
        """All that came before a frame that is sent now."""
        frames = []
        self.marks += 1
        mark = b"\xff" * 6 + b"\x02" + b"\x00" * 5 + struct.pack("!HI", MARK, self.marks) * 8
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind((device, 0))
            out.send(mark)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            more = self.packets()
            frames += filter(lambda frame: not is_mark(frame), more)
            if mark in more:
                return frames
            time.sleep(0.02)
        return None


def is_mark(frame):
    return struct.unpack_from("!H", frame, 12)[0] == MARK


def dissect(frame):
    """(protocol, what it carries) of an IP packet; None for anything else."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800:
        head = 14 + (frame[14] & 15) * 4
        later = struct.unpack_from("!H", frame, 20)[0] & 0x1FFF
        return frame[23], b"" if later else frame[head:]
    if kind == 0x86DD:
        protocol, body = frame[20], frame[54:]
        while protocol in (0, 43, 60) and len(body) >= 8:  # options in front of the rest
            protocol, body = body[0], body[(body[1] + 1) * 8:]
        return protocol, body
    return None


def classify(frame):
    """(what it is, what tells it from others)."""
    found = dissect(frame)
    if found is None:
        return None, b""
    protocol, body = found
    if protocol in (50, 51):
        return "esp", b""
    if protocol == 58 and body and body[0] in EXEMPT_ICMP6:
        return None, b""
    if protocol == 17 and len(body) > 8:
        ports, data = struct.unpack_from("!HH", body), body[8:]
        if 4500 in ports:
            if data == b"\xff":
                return None, b""  # keepalive
            if data[:4] != b"\0\0\0\0":
                return "esp", b""
            data = data[4:]
        if (500 in ports or 4500 in ports) and len(data) >= 28:
            if data[16] == FRAGMENT:
                return "fragment", b""
            return EXCHANGES.get(data[18], "other"), data
    return "clear", b""


def count(frames, ours):
    seen = dict.fromkeys(["protected", "small", "clear", "theirs", "fragments", "pieces"], 0)
    messages = {name: set() for name in ["main", "quick", "aggressive", "info", "other"]}
    for frame in frames:
        what, data = classify(frame)
        if what == "esp":
            seen["protected" if len(frame) >= BIG else "small"] += 1
        elif what == "clear":
            seen["clear" if frame[6:12] == ours else "theirs"] += 1
        elif what == "fragment":
            seen["fragments" if frame[6:12] == ours else "pieces"] += 1
        elif what:
            messages[what].add(data)
    return seen | {name: len(some) for name, some in messages.items()}


def is_as_wanted(number, wanted):
    least = wanted.removesuffix("+")
    return number >= int(least) if least != wanted else number == int(wanted)


def judge(frames, ours, wanted):
    """(whether all is as wanted, what to say)."""
    seen = count(frames, ours)
    said = [f"{name}={number}" for name, number in seen.items()]
    bad = [f"{name} should be {number}" for name, number in wanted
           if not is_as_wanted(seen[name], number)]
    return not bad, ", ".join([" ".join(said), *bad])


def main():
    device, path, ours = sys.argv[1:4]
    capture = Capture(path)
    for line in sys.stdin:
        command, *words = line.split()
        frames = capture.until_mark(device)
        if frames is None:
            good, said = False, "the capture does not get what is sent"
        elif command == "judge":
            wanted = [word.split("=") for word in words]
            good, said = judge(frames, bytes.fromhex(ours.replace(":", "")), wanted)
        else:
            good, said = True, ""
        print("ok" if good else "bad", said, flush=True)


if __name__ == "__main__":
    main()
