#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=500
#
# Crypto code that completes later: cryptd takes the place of AES-GCM, of AES-CBC with HMAC, and of
# the hash, so every packet goes through a work item. Then associations, filters, namespaces and the
# module go while packets are under way.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/natt.sh"

# Binding a socket to an algorithm makes it; cryptd's have the higher priority from then on.
make_cryptd() { # TYPE NAME
	python3 - "$1" "$2" <<-'PYTHON'
		import socket, sys
		s = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
		try:
		    s.bind((sys.argv[1], sys.argv[2]))
		except FileExistsError:  # Linux 7.2, though it has made it just now
		    pass
	PYTHON
}
is_cryptd() { # NAME: whether what the name means now goes through cryptd
	awk -v want="$1" -F ' *: ' '
		$1 == "name" { name = $2 } $1 == "driver" { driver = $2 }
		$1 == "priority" && name == want && $2 >= best { best = $2; found = driver }
		END { exit found !~ /cryptd/ }' /proc/crypto
}

# before anybody asks for them
need make_cryptd hash 'cryptd(hmac(sha1))'
need make_cryptd aead 'cryptd(rfc4106(gcm(aes)))'
need make_cryptd aead 'cryptd(authenc(hmac(sha1),cbc(aes)))'
check "F16 AES-GCM goes through cryptd" is_cryptd 'rfc4106(gcm(aes))'
check "F16 AES-CBC goes through cryptd" is_cryptd 'authenc(hmac(sha1),cbc(aes))'
check "F15 HMAC-SHA1 goes through cryptd" is_cryptd 'hmac(sha1)'

xfrm_topology
load_module
bytes=$((400000 / SLOW))
for family in 4 6; do
	remote=B$family
	driver_up $family
	before=$(drop_snapshot)
	for algorithm in 'gcm128 none' 'none sha1' 'aes128 sha1'; do
		# shellcheck disable=SC2086 # words
		both_up $family $algorithm
		check "F15 F16 IPv$family $algorithm: echoes" ping_sizes A "${!remote}" 0 1 15 1400 8000
		check "F15 F16 IPv$family $algorithm: a stream to XFRM" transfer A B $family $bytes
		check "F15 F16 IPv$family $algorithm: a stream from XFRM" transfer B A $family $bytes
		both_down
	done
	same "F15 F16 IPv$family: nothing was dropped" '' "$(drop_changes "$before")"
	driver_down
done

# UDP is put around ESP when the crypto code is done, and a checksum renewed
without_nat
encap_socket B
for family in 4 6; do
	driver_up $family
	before=$(drop_snapshot)
	pair_up $family
	check "F16 IPv$family in UDP: echoes" ping_sizes A "$remote" 0 1 15 1400 8000
	check "F16 IPv$family in UDP: a stream to XFRM" transfer A B $family $((bytes / 4))
	check "F16 IPv$family in UDP: a stream from XFRM" transfer B A $family $((bytes / 4))
	same "F16 IPv$family in UDP: nothing was dropped" '' "$(drop_changes "$before")"
	both_down
	driver_down
done
stop encap-B

# --- going while packets are under way: pitfalls B2, B7, F7 --------------------

flood() { # VARIABLE ADDRESS: until it is stopped; errors do not matter
	local -n from_ns_=$1
	spawn "flood-$1" nsenter --net="/run/netns/$from_ns_" perl -MSocket -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0); my $to = pack_sockaddr_in(9, inet_aton($ARGV[0]));
		while (1) { send $s, "x" x int rand 1400, 0, $to; select undef, undef, undef, 0.0005 if rand > 0.9 }' "$2"
}

driver_up 4
flood A $B4
flood B $A4
rounds=$((20 / SLOW))
for ((round = 0; round < rounds; round++)); do
	both_up 4 gcm128 none
	both_down
done
check "F16 associations went $rounds times under load" running flood-A
for ((round = 0; round < rounds; round++)); do
	both_up 4 none sha1
	need on A ipdtool del 1
	need peer_down
	need on A ipdtool add id=1 out=negotiate in=negotiate local=$A4 remote=$B4
done
same "F15 filters took their associations along" 0 "$(on A ipdtool sas | wc -l)"
both_up 4 gcm128 none
need on A ipdtool mode permit
need on A ipdtool mode secure
stop flood-A
stop flood-B
both_down
driver_down
need on A ipdtool mode permit

has_sent() { [ "$(sa_value out packets)" -gt 0 ]; }

# a namespace with everything in it, and its device, under load
for ((round = 0; round < rounds / 4 + 2; round++)); do
	xfrm_topology
	driver_up 4
	both_up 4 gcm128 none
	flood A $B4
	flood B $A4
	need wait_for 10 has_sent
	if ((round % 2)); then need ip -n "$A" link del eth0; fi
	stop flood-A KILL
	stop flood-B KILL
	need ip netns del "$A"
	need ip netns del "$B"
done
check "F16 the module can go, with associations freed a moment ago" wait_for 20 unload_module
check_world
finish
