#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Packets whose bytes lie in pages of others: of a file in the page cache, of a program's memory.
# Protecting and checking may read them and never write them: whoever can read a file could change
# it otherwise (pitfalls A1, A3). Both hosts are ours, so that nobody between them copies.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

# transfer NAME KIND ADDRESS: "receive" has the sum that "pages.py KIND" has
transfer() {
	local family=4
	case $2 in *:*) family=6 ;; esac
	spawn receive ip netns exec "$B" "$TOP/selftests/netns/wire.py" receive $family 5001
	wait_for 10 grep -q listening "$TMP/receive.log" || return
	on A "$TOP/selftests/netns/pages.py" "$1" "$2" 5001 "$FILE" >"$TMP/sent" || return
	wait_for 60 not running receive || return
	unset "spawned[receive]"
	[ -s "$TMP/sent" ] && [ "$(cat "$TMP/sent")" = "$(tail -n 1 "$TMP/receive.log")" ]
}
protected() { field bytes "$(ipd A sas | grep -w dir=out)"; }
sum() { sha256sum <"$FILE"; }

driver_up
mkdir "$TMP/pages"
need mount -t tmpfs none "$TMP/pages"
FILE=$TMP/pages/file
need dd if=/dev/urandom of="$FILE" bs=64K count=16 status=none
before=$(sum)
receive_udp datagrams B 5002

protections='null:cipher=null integ=hmac-sha1 ikey=@20
	cbc:cipher=aes-cbc ckey=@16 integ=hmac-sha256 ikey=@32
	gcm:cipher=aes-gcm-16 ckey=@20
	ah:integ=hmac-sha1 ikey=@20'
while IFS=: read -r name ESP; do
	name=${name//[$'\t']/}
	# shellcheck disable=SC2034 # read by secure_pair
	[ "$name" = ah ] && PROTECTION=ah || PROTECTION=esp
	for family in 4 6; do
		fresh A B
		a=A$family b=B$family
		need ipd A add id=7 out=negotiate in=negotiate local=me remote="${!b}"
		need ipd B add id=7 out=negotiate in=negotiate local=me remote="${!a}"
		secure_pair 7 0x1000 $family
		check "F16 $name, IPv$family: pages of a file" transfer file "${!b}"
		check "F16 $name, IPv$family: pages of a program, which keep their bytes" transfer memory "${!b}"
		check "F16 $name, IPv$family: pages of a file in datagrams" \
			on A "$TOP/selftests/netns/pages.py" datagrams "${!b}" 5002 "$FILE"
		same "F16 $name, IPv$family: the file is as it was" "$before" "$(sum)"
		check "F16 $name, IPv$family: all of it was protected" [ "$(protected)" -ge 2000000 ]
	done
done <<<"$protections"
need umount "$TMP/pages"
check_world
finish
