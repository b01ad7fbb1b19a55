#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What attackers send to an IKEv1 responder, and what it must not do then.

usage: hostile.py list
       hostile.py RULE RESPONDER PSK ADDRESS...

Each rule is one function below.  Its first ADDRESS is the attacker's, with the policy and the key
of an honest peer; others are those of bystanders.  Status 1 and a sentence say what went wrong.
At the end of every rule an honest main mode and quick mode must succeed.
"""

import os
import random
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ikev1 import (  # noqa: E402
    AGGRESSIVE, DELETE, ENCRYPTED, FRAGMENT, ID, INFORMATIONAL, KE, MAIN, MM_ATTRIBUTES, NONCE,
    NOTIFY, P2048, QM_ATTRIBUTES, SA, Initiator, attribute, chain, id_address, lifetime,
    long_attribute, message, mm_sa, proposal, sa_body, transforms)

HEADERS = 28  # IPv4 and UDP
RULES = {}


class Wrong(Exception):
    pass


def rule(title):
    def add(function):
        RULES[function.__name__] = (title, function)
        return function
    return add


def demand(condition, sentence):
    if not condition:
        raise Wrong(sentence)


class Scene:
    def __init__(self, remote, psk, addresses):
        self.remote, self.psk, self.addresses = remote, psk.encode(), addresses
        self.port = 500

    def initiator(self, which=0):
        """A new one from a port of its own: nobody else's answers come there."""
        self.port += 1
        return Initiator(self.addresses[which], self.remote, self.psk, self.port)

    def established(self, quick=True):
        peer = self.initiator()
        demand(peer.main_mode(), "an honest main mode fails")
        demand(not quick or peer.quick_mode(), "an honest quick mode fails")
        return peer


def still_works(peer, what):
    demand(peer.quick_mode(), f"{what}: the main mode is gone")


# --- R1, R10: amplification, storms --------------------------------------------------------------

@rule("one question has one answer, and it is not much longer")
def amplification(scene):
    peer = scene.initiator()
    sent = peer.send(peer.message_1())
    answers = peer.all_answers(6)
    demand(len(answers) == 1, f"{len(answers)} answers to one message 1 within 6 s")
    longer = (len(answers[0]) + HEADERS) / (len(sent) + HEADERS)
    demand(longer <= 2, f"{len(answers[0])} bytes answer {len(sent)}")
    peer = scene.initiator()
    short = message(peer.icookie, bytes(8), *chain([(SA, sa_body(proposal(
        transforms(attribute(1, 5)), 1)))]))
    demand(len(short) < 84, "the question is short")
    peer.send(short)
    demand(all(data[16] != SA for data in peer.all_answers(1)), "a short message 1 gets an SA")


@rule("refusals are few")
def refusals(scene):
    peer = scene.initiator()
    for _ in range(30):
        peer.icookie = os.urandom(8)
        peer.send(peer.message_1(mm_sa(attribute(1, 1) + MM_ATTRIBUTES[4:])))
    answers = peer.all_answers(1)
    demand(len(answers) <= 5, f"{len(answers)} refusals within a second")


@rule("copies of a message are answered seldom")
def copies(scene):
    peer = scene.initiator()
    for _ in range(20):
        peer.send(peer.message_1())
    answers = peer.all_answers(1)
    demand(1 <= len(answers) <= 5, f"{len(answers)} answers to 20 copies of message 1")
    demand(len(set(answers)) == 1, "the answers differ")
    peer.take_sa(answers[0])
    demand(peer.step_3(), "message 3 is refused")
    last = peer.message_5()
    for _ in range(20):
        peer.send(last)
    answers = peer.all_answers(1)
    demand(1 <= len(answers) <= 5, f"{len(answers)} answers to 20 copies of message 5")
    demand(peer.take_message_6(last, answers[0]), "no proof of the key")
    still_works(peer, "after copies")


# --- R2, R11: what is not well-formed ------------------------------------------------------------

def mutants(rng, peer):
    """Datagrams that look like message 1, and are not."""
    good = bytearray(peer.message_1())
    lengths = (0, 1, 2, 3, 4, 27, 255, 256, 32767, 65535)
    yield b""
    for length in range(len(good)):
        yield bytes(good[:length])
    for at in range(28, len(good) - 1):
        for value in rng.sample(lengths, 3):
            bad = bytearray(good)
            struct.pack_into("!H", bad, at, value)
            yield bytes(bad)
    for _ in range(2000):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            bad[rng.randrange(8, len(bad))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        if rng.random() < 0.3:
            bad += rng.randbytes(rng.randint(1, 300))
        if rng.random() < 0.7:
            struct.pack_into("!I", bad, 24, len(bad))
        yield bytes(bad)
    for first in range(256):
        yield message(peer.icookie, bytes(8), first, struct.pack("!BBH", first, 0, 4) * 40)


@rule("thousands of malformed datagrams, and a negotiation meanwhile")
def malformed(scene):
    peer, rng = scene.initiator(), random.Random(20001)
    sent = answered = 0
    for data in mutants(rng, peer):
        peer.icookie = rng.randbytes(8)
        peer.send(data)
        sent += 1
        if sent % 1000 == 500:
            other = scene.initiator(1)
            demand(other.main_mode() and other.quick_mode(),
                   f"after {sent} datagrams nobody else is served")
        if sent % 50 == 0:
            answered += len(peer.all_answers(0.02))
    answered += len(peer.all_answers(1))
    demand(answered <= sent // 4, f"{answered} answers to {sent} datagrams")


@rule("fragments that are none")
def fragments(scene):
    def fragment(peer, number, data, last=0, identity=1):
        return message(peer.icookie, peer.rcookie, FRAGMENT, struct.pack(
            "!BBHHBB", 0, 0, 8 + len(data), identity, number, last) + data)
    peer = scene.initiator()
    peer.rcookie = os.urandom(8)
    for number in (0, 1, 2, 255):
        peer.send(fragment(peer, number, bytes(100), 1))
    demand(not peer.all_answers(0.5), "fragments of an exchange that does not exist are answered")
    peer = scene.initiator()
    demand(peer.step_1(), "message 1 is refused")
    whole = peer.message_3()
    for number, data, last in ((0, whole, 1), (1, whole[:50], 1), (2, whole[50:], 1), (1, b"", 0),
                               (3, whole, 0), (255, bytes(1200), 1)):
        peer.send(fragment(peer, number, data, last, 7))
    for number in range(1, 256):
        peer.send(fragment(peer, number, bytes(1200), 0, 8))
    nested = fragment(peer, 1, whole, 1, 9)
    peer.send(fragment(peer, 1, nested, 1, 10))
    peer.all_answers(0.5)


# --- R3, R4, R22: what tears down ----------------------------------------------------------------

def teardowns(peer):
    cookies = peer.icookie + peer.rcookie
    def notify(kind, data=b""):
        return (NOTIFY, struct.pack("!IBBH", 1, 1, 16, kind) + cookies + data)
    return [
        (DELETE, struct.pack("!IBBH", 1, 1, 16, 1) + cookies),
        (DELETE, struct.pack("!IBBH", 1, 3, 4, 1) + peer.spi),
        notify(24), notify(14), notify(4), notify(9), notify(24578), notify(36136, os.urandom(4)),
        notify(11), notify(40501),
    ]


@rule("in clear nothing is torn down")
def clear_teardown(scene):
    peer = scene.established()
    for payload in teardowns(peer):
        first, body = chain([payload])
        for message_id in (0, 4711):
            peer.send(message(peer.icookie, peer.rcookie, first, body, INFORMATIONAL, 0, message_id))
    demand(not peer.all_answers(0.5), "a message in clear is answered")
    still_works(peer, "after deletes and notifies in clear")


@rule("with a wrong or no hash nothing is torn down")
def unproved_teardown(scene):
    peer = scene.established()
    for payload in teardowns(peer):
        for digest in (b"", bytes(20), os.urandom(19), os.urandom(32)):
            peer.send(peer.protected(INFORMATIONAL, peer.new_id(), [payload], digest))
    demand(not peer.all_answers(0.5), "an unproved message is answered")
    still_works(peer, "after unproved deletes")


@rule("a delete of too much deletes nothing else")
def delete_bomb(scene):
    peer = scene.established()
    bomb = struct.pack("!IBBH", 1, 3, 4, 65535) + os.urandom(4 * 2000)
    peer.send(peer.protected(INFORMATIONAL, peer.new_id(), [(DELETE, bomb)]))
    many = struct.pack("!IBBH", 1, 3, 4, 60) + os.urandom(240)
    peer.send(peer.protected(INFORMATIONAL, peer.new_id(), [(DELETE, many)] * 20))
    still_works(peer, "after a large delete")
    cookies = peer.icookie + peer.rcookie
    own = (DELETE, struct.pack("!IBBH", 1, 1, 16, 1) + cookies)
    after = (NOTIFY, struct.pack("!IBBH", 1, 1, 16, 36136) + cookies + os.urandom(4))
    peer.send(peer.protected(INFORMATIONAL, peer.new_id(), [own, after, own]))
    peer.all_answers(0.5)


# --- R5, R6: key exchange ------------------------------------------------------------------------

@rule("degenerate public values are refused")
def public_values(scene):
    numbers = (0, 1, P2048 - 1, P2048, P2048 + 1)
    values = [number.to_bytes(256, "big") for number in numbers]
    for value in values + [b"\xff" * 256, b"", b"\2", bytes(255) + b"\2" * 2, os.urandom(128)]:
        peer = scene.initiator()
        demand(peer.step_1(), "message 1 is refused")
        demand(not peer.step_3(public=value),
               f"a public value of {len(value)} bytes is taken: {value[:4].hex()}...")


@rule("nonces too short or too long are refused")
def nonces(scene):
    for length in (0, 1, 7, 257, 1000):
        peer = scene.initiator()
        demand(peer.step_1(), "message 1 is refused")
        demand(not peer.step_3(nonce=os.urandom(length)), f"a nonce of {length} bytes is taken")
    for length in (8, 256):
        peer = scene.initiator()
        demand(peer.step_1() and peer.step_3(nonce=os.urandom(length)),
               f"a nonce of {length} bytes is refused")


# --- R7, R8, R20: identity -----------------------------------------------------------------------

@rule("a forged message 5 does not end an exchange")
def forged_5(scene):
    peer = scene.initiator()
    demand(peer.step_1() and peer.step_3(), "message 3 is refused")
    for _ in range(3):
        peer.send(message(peer.icookie, peer.rcookie, ID, os.urandom(64), MAIN, ENCRYPTED))
    peer.send(message(peer.icookie, peer.rcookie, ID, os.urandom(61), MAIN, ENCRYPTED))
    demand(not peer.all_answers(0.5), "a forged message 5 is answered")
    demand(peer.step_5(), "the true message 5 is refused")


@rule("identities that are none are refused")
def identities(scene):
    bad = [id_address("203.0.113.9"), b"", b"\1", b"\1\0\0\0", b"\1\0\0\0\xc0\0\2",
           id_address(scene.addresses[0]) + b"\0", b"\2\0\0\0" + b"192.0.2.2\0.example",
           b"\x63\0\0\0" + os.urandom(8), b"\4\0\0\0" + bytes(8), b"\2\0\0\0" + b"a" * 8000,
           b"\5\0\0\0" + bytes(16), b"\x09\0\0\0" + b"\x30\x80" + b"\x30\x80" * 100,
           b"\0\0\0\0" + bytes(4)]
    for identity in bad:
        peer = scene.initiator()
        demand(peer.step_1() and peer.step_3(), "message 3 is refused")
        demand(not peer.step_5(identity), f"identity {identity[:12].hex()} is taken")


# --- R9, R21, R23: quick mode --------------------------------------------------------------------

@rule("no quick mode before main mode has ended, none with an id of old")
def early_quick(scene):
    peer = scene.initiator()
    demand(peer.step_1() and peer.step_3(), "message 3 is refused")
    peer.last_block = peer.iv
    demand(not peer.quick_mode(), "a quick mode is answered before message 5")
    demand(peer.step_5(), "message 5 is refused afterwards")
    demand(not peer.quick_mode(message_id=0), "message id 0 is taken")
    used = peer.new_id()
    demand(peer.quick_mode(message_id=used), "an honest quick mode fails")
    demand(not peer.quick_mode(message_id=used), "a used message id is taken again")
    still_works(peer, "after a used message id")


@rule("selectors and SPIs that policy does not have are refused")
def selectors(scene):
    peer = scene.established(quick=False)
    anything = struct.pack("!BBH", 4, 0, 0) + bytes(8)
    reverse = struct.pack("!BBH", 7, 0, 0) + b"\xff\xff\xff\xff" + bytes(4)
    for bent in ({"local": anything}, {"remote": anything}, {"local": anything, "remote": anything},
                 {"remote": id_address("203.0.113.9")}, {"local": reverse},
                 {"remote": struct.pack("!BBH", 2, 0, 0) + b"a.example"},
                 {"spi": bytes(4)}, {"spi": b"\0\0\0\xff"}, {"spi": b""}, {"spi": os.urandom(16)}):
        demand(not peer.quick_mode(**bent), f"taken: {bent}")
    still_works(peer, "after bad quick modes")


# --- R13, R14: proposals -------------------------------------------------------------------------

@rule("proposals outside the policy and its grammar are refused")
def proposals(scene):
    life = lifetime(28800)
    base = MM_ATTRIBUTES + life
    one = transforms(base)
    prime = long_attribute(6, P2048.to_bytes(256, "big"))

    def by(method):
        return MM_ATTRIBUTES.replace(attribute(3, 1), attribute(3, method)) + life

    bad = {
        "a key length that policy does not have": mm_sa(
            MM_ATTRIBUTES[:-4] + attribute(14, 256) + life),
        "a key length of 0": mm_sa(MM_ATTRIBUTES[:-4] + attribute(14, 0) + life),
        "a key length twice": mm_sa(MM_ATTRIBUTES + attribute(14, 128) + life),
        "a group twice": mm_sa(MM_ATTRIBUTES + attribute(4, 14) + life),
        "a group of the peer's own": mm_sa(MM_ATTRIBUTES + attribute(5, 1) + prime + life),
        "GSS-API without its vendor id": mm_sa(by(65001)),
        "an unknown method": mm_sa(by(6)),
        "DES, MD5, group 1": mm_sa(b"".join(attribute(kind, 1) for kind in (1, 2, 3, 4)) + life),
        "two proposals": sa_body(proposal(one, 1, more=2), proposal(one, 1, number=2)),
        "a wrong count": sa_body(proposal(one, 7)),
        "a count of 0": sa_body(proposal(one, 0)),
        "255 transforms": mm_sa(*[base] * 255),
        "DOI 0": sa_body(proposal(one, 1), doi=0),
        "situation 0": sa_body(proposal(one, 1), situation=0),
        "protocol ESP": sa_body(proposal(one, 1, protocol=3)),
    }
    for what, sa in bad.items():
        demand(not scene.initiator().step_1(sa), f"taken: {what}")
        time.sleep(0.1)


@rule("lifetimes of nothing and of ages make no storm")
def lifetimes(scene):
    for seconds in (0, 1, 2**32 - 1):
        peer = scene.initiator()
        if peer.step_1(mm_sa(MM_ATTRIBUTES + lifetime(seconds))):
            demand(peer.step_3() and peer.step_5(), f"a lifetime of {seconds} fails half way")
            short = QM_ATTRIBUTES.replace(attribute(2, 3600), attribute(2, 1))
            peer.quick_mode(attributes=short)
            peer.quick_mode(attributes=QM_ATTRIBUTES + attribute(1, 2) + attribute(2, 0))
            answers = peer.all_answers(3)
            demand(len(answers) <= 6, f"{len(answers)} messages in 3 s, lifetime {seconds}")


# --- R15 and headers -----------------------------------------------------------------------------

@rule("aggressive mode gets no hash, other headers get no answer")
def headers(scene):
    peer = scene.initiator()
    first, body = chain([(SA, mm_sa()), (KE, peer.public), (NONCE, peer.nonce),
                         (ID, id_address(peer.local))])
    peer.send(message(peer.icookie, bytes(8), first, body, AGGRESSIVE))
    for data in peer.all_answers(1):
        demand(data[18] == INFORMATIONAL and data[16] == NOTIFY, "aggressive mode is answered")
    good = peer.message_1()
    for at, value in ((0, bytes(8)), (8, os.urandom(8)), (17, b"\x30"), (18, b"\6"), (18, b"\xf0"),
                      (19, b"\xff"), (19, b"\1"), (20, b"\0\0\0\1"), (24, b"\0\0\0\x1c"),
                      (24, b"\xff\xff\xff\xff")):
        peer.send(good[:at] + value + good[at + len(value):])
        answers = peer.all_answers(0.3)
        demand(len(answers) <= 1, f"{len(answers)} answers to a header with {value.hex()} at {at}")
        demand(not any(data[18] == MAIN for data in answers),
               f"taken: a header with {value.hex()} at {at}")


def main():
    if sys.argv[1:] == ["list"]:
        for name, (title, _) in RULES.items():
            print(f"{name}\t{title}")
        return 0
    name, remote, psk, *addresses = sys.argv[1:]
    scene = Scene(remote, psk, addresses)
    try:
        RULES[name][1](scene)
        scene.port = 600
        peer = scene.initiator(1)
        demand(peer.main_mode() and peer.quick_mode(), "afterwards an honest negotiation fails")
    except Wrong as wrong:
        print(wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
