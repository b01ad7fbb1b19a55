#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Filters in the driver against a linear list in Python.

  filter_oracle.py make SEED N FILE     write N random filters, as ipdtool reads them, shuffled
  filter_oracle.py fetch FILE           each of them is in the driver, and they are listed in order
  filter_oracle.py match FILE SEED N    N random packets are decided by the filter of the list
  filter_oracle.py change FILE SEED N   the same after each of N random adds, deletes and commits
                                        (begins with an empty driver)

Runs in the namespace of the driver. What is "me" is asked of ip(8), so it follows the addresses.
"""
import ipaddress
import json
import random
import subprocess
import sys
import tempfile

MASKS = {4: ["0.0.0.0", "255.0.0.0", "255.255.0.0", "255.255.255.0", "255.255.255.252",
             "255.255.255.255", "255.0.255.0", "255.255.0.255"],
         6: [0, 16, 32, 48, 64, 65, 126, 128]}
ACTIONS = [("negotiate", "negotiate"), ("negotiate", "permit"), ("permit", "permit"),
           ("block", "block"), ("permit", "block"), ("block", "none"), ("none", "block"),
           ("permit", "none"), ("none", "permit")]
PROTOCOLS = [1, 6, 17, 47]
PORTS = [22, 80, 443, 65535]
WITH_PORTS = (6, 17)
# the interfaces of the namespace, what they are, and one that is not there
PLACES = {"d0": "lan", "d1": "lan", "t0": "dialup"}
SCOPES = [None, None, None, ("conn", "lan"), ("conn", "dialup")] + [
    ("dev", name) for name in (*PLACES, "nowhere0")]


def address(rng, family):
    a, b, c, d = 10 + rng.randrange(2), rng.randrange(3), rng.randrange(3), rng.randrange(6)
    if family == 4:
        return ipaddress.ip_address(f"{a}.{b}.{c}.{d}")
    return ipaddress.ip_address(f"2001:{a:x}:{b:x}:{c:x}::{d:x}")


def mask_value(family, mask):
    if family == 4:
        return int(ipaddress.ip_address(mask))
    return ((1 << mask) - 1) << (128 - mask)


class Side:
    def __init__(self, rng, family, masks):
        self.family, self.me = family, rng.randrange(4) == 0
        self.mask = rng.choice(masks)
        self.bits = 0 if self.me else mask_value(family, self.mask)
        self.address = int(address(rng, family)) & self.bits

    def weight(self):
        return {4: 32, 6: 128}[self.family] if self.me else bin(self.bits).count("1")

    def matches(self, other, mine):
        if self.me:
            return other in mine
        return int(other) & self.bits == self.address

    def key(self):
        return "me" if self.me else (self.address, self.bits)

    def text(self):
        if self.me:
            return "me"
        kind = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        return f"{kind(self.address)}/{self.mask}"

    def shown(self):
        """as ipdtool prints it"""
        if self.me:
            return "me"
        kind = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        return f"{kind(self.address)}/{kind(self.bits)}"


class Filter:
    def __init__(self, rng, number, palette):
        family = self.family = rng.choice([4, 6])
        self.id = number
        self.local = Side(rng, family, palette[family][0])
        self.remote = Side(rng, family, palette[family][1])
        self.out, self.inbound = rng.choice(ACTIONS)
        self.tunnel = None
        self.protocol = self.lport = self.rport = 0
        if rng.randrange(6) == 0:
            self.tunnel = address(rng, family), address(rng, family)
        elif rng.randrange(3):
            self.protocol = rng.choice(PROTOCOLS)
            if self.protocol in WITH_PORTS:
                self.lport, self.rport = (rng.choice([0] + PORTS) for _ in range(2))
        # not for those with ports, or there would be too many different masks
        self.scope = rng.choice(SCOPES) if self.tunnel or self.protocol == 47 else None
        self.acts = {d for d, a in (("out", self.out), ("in", self.inbound)) if a != "none"}
        self.number = self.weight_number()

    def text(self):
        words = [f"id={self.id}", f"family={self.family}", f"out={self.out}", f"in={self.inbound}",
                 f"local={self.local.text()}", f"remote={self.remote.text()}"]
        if self.protocol:
            words.append(f"proto={self.protocol}")
        if self.lport:
            words.append(f"lport={self.lport}")
        if self.rport:
            words.append(f"rport={self.rport}")
        if self.scope:
            words.append("=".join(self.scope))
        if self.tunnel:
            words.append("class=tunnel")
            if self.out == "negotiate":
                words += [f"tl={self.tunnel[0]}", f"tr={self.tunnel[1]}"]
        return " ".join(words)

    def key(self):
        return (self.family, bool(self.tunnel), self.local.key(), self.remote.key(),
                self.protocol, self.lport, self.rport, self.scope)

    def weight(self):
        return (bool(self.tunnel), self.remote.weight(), self.local.weight(),
                bool(self.protocol), bool(self.rport), bool(self.lport),
                self.scope is not None and self.scope[0] == "dev",
                self.scope is not None and self.scope[0] == "conn")

    def weight_number(self):
        tunnel, remote, local, protocol, rport, lport, device, connection = self.weight()
        return (tunnel << 24 | remote << 16 | local << 8 | protocol << 4 | rport << 3 | lport << 2
                | device << 1 | connection)

    def is_in_scope(self, place):
        return self.scope in (None, ("dev", place), ("conn", PLACES[place]))

    def matches(self, packet, mine):
        direction, local, remote, protocol, lport, rport, place = packet
        return (self.is_in_scope(place) and self.protocol in (0, protocol) and self.lport in (0, lport)
                and self.rport in (0, rport) and local.version == self.family
                and direction in self.acts and self.remote.matches(remote, mine)
                and self.local.matches(local, mine))

    def shown(self):
        kind, name = self.scope or ("conn", None)
        return {kind: name, "id": str(self.id), "family": "2" if self.family == 4 else "10",
                "class": "tunnel" if self.tunnel else "transport",
                "local": self.local.shown(), "remote": self.remote.shown(),
                "proto": str(self.protocol), "lport": str(self.lport),
                "rport": str(self.rport), "out": self.out, "in": self.inbound,
                "weight": str(self.number)}


def make(seed, count):
    """filters of about 40 different masks, without duplicates, in random order"""
    rng = random.Random(seed)
    palette = {family: [rng.sample(MASKS[family], 4) for _ in range(2)] for family in (4, 6)}
    taken, filters = {}, []
    while len(filters) < count:
        candidate = Filter(rng, len(filters) + 1, palette)
        directions = taken.setdefault(candidate.key(), set())
        if directions & candidate.acts:
            # the space is small: widen it where it is used up
            for family in (4, 6):
                for side in range(2):
                    if len(palette[family][side]) < len(MASKS[family]) and rng.randrange(200) == 0:
                        palette[family][side].append(
                            rng.choice([m for m in MASKS[family] if m not in palette[family][side]]))
            continue
        directions |= candidate.acts
        filters.append(candidate)
    rng.shuffle(filters)
    return filters


def parse(text):
    """filters of a file, by making them again: its first line says how"""
    with open(text, encoding="ascii") as file:
        _, seed, count = file.readline().split()
    return make(int(seed), int(count))


def fail(text):
    sys.exit(f"filter_oracle: {text}")


class Driver:
    """ipdtool, over one socket"""

    def __init__(self):
        self.tool = subprocess.Popen(["ipdtool", "-"], stdin=subprocess.PIPE, text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.tool.stdin.close()
        self.tool.wait()

    def ask(self, command, may_fail=False):
        self.tool.stdin.write(command + "\n")
        self.tool.stdin.flush()
        answer = []
        for line in self.tool.stdout:
            if line in ("done\n", "refused\n"):
                if line == "refused\n" and not may_fail:
                    fail(f"{command}: {answer}")
                return answer
            answer.append(line.rstrip("\n"))
        return fail(f"{command}: ipdtool ended: {answer}")

    def load(self, filters):
        with tempfile.NamedTemporaryFile("w", suffix=".filters") as file:
            file.write("".join(f.text() + "\n" for f in filters))
            file.flush()
            return self.ask(f"load {file.name}")


def words_of(line):
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def my_addresses():
    shown = json.loads(subprocess.run(["ip", "-json", "addr"], check=True, text=True,
                                      stdout=subprocess.PIPE).stdout)
    return {ipaddress.ip_address(a["local"]) for link in shown for a in link.get("addr_info", ())}


def compare_filter(got, wanted):
    for key, value in wanted.shown().items():
        if got.get(key) != value:
            fail(f"filter {wanted.id}: {key} is {got.get(key)} and should be {value}")


def fetch(driver, filters):
    for one in filters:
        answer = driver.ask(f"get {one.id}")
        compare_filter(words_of(answer[0]), one)
    by_id = {str(f.id): f for f in filters}
    last = {}
    for line in driver.ask("list"):
        words = words_of(line)
        compare_filter(words, by_id.pop(words["id"]))
        tried = last.get(words["family"])
        if tried is not None and int(words["weight"]) > tried:
            fail(f"filter {words['id']} is listed after lighter ones")
        last[words["family"]] = int(words["weight"])
    if by_id:
        fail(f"not listed: {sorted(by_id)}")


def random_packet(rng, filters, mine):
    family = rng.choice([4, 6])
    local, remote = address(rng, family), address(rng, family)
    protocol = rng.choice(PROTOCOLS)
    lport, rport = (rng.choice(PORTS + [1024]) for _ in range(2))
    if filters and rng.randrange(3):
        near = rng.choice(filters)
        family = near.family
        kind = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
        local, remote = (kind(int(address(rng, family)) & ~side.bits | side.address)
                         for side in (near.local, near.remote))
        protocol = near.protocol or protocol
        lport, rport = near.lport or lport, near.rport or rport
        if near.local.me:
            local = rng.choice(sorted(a for a in mine if a.version == family))
    if protocol not in WITH_PORTS:
        lport = rport = 0
    place = rng.choice(list(PLACES))
    return rng.choice(["out", "in"]), local, remote, protocol, lport, rport, place


class List:
    """the linear list: heaviest first"""

    def __init__(self, filters):
        self.filters = sorted(filters, key=Filter.weight, reverse=True)

    def decide(self, packet, mine):
        """whatever may decide: of those that match, all with the greatest weight"""
        best = []
        for one in self.filters:
            if best and one.number < best[0].number:
                break
            if one.matches(packet, mine):
                best.append(one)
        return {str(f.id) for f in best}


def is_left_to_filters(packet, mine):
    """not loopback, which is decided before the filters"""
    return packet[2] not in mine


def compare_packets(driver, filters, rng, count):
    mine, hits, obvious = my_addresses(), 0, List(filters)
    while count:
        packet = random_packet(rng, filters, mine)
        if not is_left_to_filters(packet, mine):
            continue
        count -= 1
        direction, local, remote, protocol, lport, rport, place = packet
        source, destination, sport, dport = local, remote, lport, rport
        if direction == "in":
            source, destination, sport, dport = remote, local, rport, lport
        line, = driver.ask(f"match {direction} {source} {destination} {protocol} {sport} {dport} "
                           f"dev={place}")
        got = words_of(line)
        wanted = obvious.decide(packet, mine)
        if wanted:
            hits += 1
            if got.get("id") not in wanted:
                fail(f"{packet}: wanted one of {wanted}, got {line}")
            one = next(f for f in filters if str(f.id) == got["id"])
            if got["action"] != (one.out if direction == "out" else one.inbound):
                fail(f"{packet}: not the action of filter {one.id}: {line}")
        elif "id" in got or got.get("pass") != "no-filter":
            fail(f"{packet}: wanted no filter, got {line}")
    return hits


def change(driver, pool, rng, steps):
    there = []
    driver.load(there)
    for _ in range(steps):
        absent = [f for f in pool if f not in there]
        some = rng.randrange(1, 6)
        kind = rng.randrange(5)
        if kind < 2 and absent:
            new = rng.sample(absent, min(some, len(absent)))
            driver.ask("add " + " + ".join(f.text() for f in new))
            there += new
        elif kind < 4 and there:
            gone = rng.sample(there, min(some, len(there)))
            driver.ask("del " + " ".join(str(f.id) for f in gone))
            there = [f for f in there if f not in gone]
        else:
            there = rng.sample(pool, rng.randrange(len(pool)))
            driver.load(there)
        if there:
            # what is refused changes nothing
            driver.ask(f"add {rng.choice(there).text()}", may_fail=True)
        status = words_of(driver.ask("status")[0])
        if status["filters"] != str(len(there)):
            fail(f"{status['filters']} filters instead of {len(there)}")
        compare_packets(driver, there, rng, 20)
    fetch(driver, there)


def main(command, *arguments):
    if command == "make":
        seed, count, name = int(arguments[0]), int(arguments[1]), arguments[2]
        with open(name, "w", encoding="ascii") as file:
            file.write(f"# {seed} {count}\n")
            file.writelines(f.text() + "\n" for f in make(seed, count))
        return
    filters = parse(arguments[0])
    with Driver() as driver:
        if command == "fetch":
            fetch(driver, filters)
        elif command == "match":
            hits = compare_packets(driver, filters, random.Random(arguments[1]), int(arguments[2]))
            if hits < int(arguments[2]) // 4:
                fail(f"only {hits} packets met a filter")
            print(f"{hits} of {arguments[2]} packets met a filter")
        elif command == "change":
            change(driver, filters, random.Random(arguments[1]), int(arguments[2]))
        else:
            fail(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
