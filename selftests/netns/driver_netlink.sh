#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# The interface: who may, what is refused and with which words, transactions, lists.
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

# the words of a refusal, or "accepted"
words() {
	"$@" >"$TMP/words.out" 2>"$TMP/words.err" && echo accepted && return
	sed -n 's/^ipdtool: //p' "$TMP/words.err" | head -n 1
}
state() { ipd A status | sed 's/ events=.*//'; ipd A list | sed 's/ out-hits.*//'; ipd A sas | sed 's/ age=.*//'; }
# refused WORDS COMMAND...: with these words, and nothing has changed
refused() {
	local name=$1 want=$2 before
	shift 2
	before=$(state)
	same "$name" "$want" "$(words ipd A "$@")"
	[ "$before" = "$(state)" ] || not_ok "$name: it changed something"
}

driver_up
fresh A
need ipd A add id=1 out=block in=block local=me remote=203.0.113.1

# --- who may: pitfall E3 ------------------------------------------------------------
tool=$(command -v ipdtool)
as_nobody() { on A setpriv --reuid 65534 --regid 65534 --clear-groups "$tool" "$@"; }
in_userns() { on A setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn "$tool" "$@"; }
near_userns() { on A setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Ur "$tool" "$@"; }
for who in as_nobody in_userns near_userns; do
	bad=0
	for command in "status" "mode permit" "add id=5 out=block" "del 1" "change 1 + id=5 out=block" "get 1" "list" "begin" \
		"spi local=$A4 remote=$B4" "sas" "flush" "acquires" "end 1 failed" "stats" \
		"match out $A4 $B4" "raw 2" "raw 13 dump"; do
		# shellcheck disable=SC2086 # words
		got=$(words $who $command)
		case $got in
		"Operation not permitted: "*) ;;
		*) diag "$who $command: $got"; bad=1 ;;
		esac
	done
	same "N17 no command for $who" 0 $bad
	[ $who != in_userns ] || continue
	for group in acquire expire diag mode; do
		$who listen $group timeout=1 >/dev/null 2>&1 && { diag "$who listens to $group"; bad=1; }
	done
	same "N17 no events for $who" 0 $bad
done
# In a network namespace of his own anybody may listen, but nobody could set up anything there.
spawn stranger ip netns exec "$A" setpriv --reuid 65534 --regid 65534 --clear-groups \
	unshare -Urn "$tool" listen acquire expire mode
need wait_for 10 grep -q listening "$TMP/stranger.log"
need ipd A mode block
need ipd A mode secure
same "N17 and hears nothing of others" listening "$(cat "$TMP/stranger.log")"
stop stranger
same "N17 nothing has changed" "secure 1" "$(mode_of A) $(field filters "$(ipd A status)")"

# --- attributes: pitfall E2 -------------------------------------------------------------
# numbers of the commands and attributes, from the header
number_of() { # NAME: of an enumerator in the order of its enum
	awk -v want="$1" '/^enum/ { n = 0 } /^\t[_A-Z0-9]+( = [0-9]+)?,/ { sub(/,.*/, "", $1)
		if ($2 == "=") n = $3 + 0; if ($1 == want) { print n; exit } n++ }' \
		"$TOP/include/uapi/linux/ipsecdrv.h"
}
STATUS=$(number_of IPSECDRV_CMD_STATUS_GET)
MODE_SET=$(number_of IPSECDRV_CMD_MODE_SET)
BEGIN=$(number_of IPSECDRV_CMD_FILTER_BEGIN)
ADD=$(number_of IPSECDRV_CMD_FILTER_ADD)
DEL=$(number_of IPSECDRV_CMD_FILTER_DEL)
CHANGE=$(number_of IPSECDRV_CMD_FILTER_CHANGE)
COMMIT=$(number_of IPSECDRV_CMD_FILTER_COMMIT)
ABORT=$(number_of IPSECDRV_CMD_FILTER_ABORT)
GET=$(number_of IPSECDRV_CMD_FILTER_GET)
SPI=$(number_of IPSECDRV_CMD_SPI_ALLOC)
SA_GET=$(number_of IPSECDRV_CMD_SA_GET)
FILTER_ID=$(number_of IPSECDRV_A_FILTER_ID)
SA_NEW=$(number_of IPSECDRV_CMD_SA_NEW)
FLUSH=$(number_of IPSECDRV_CMD_SA_FLUSH)
ACQUIRES=$(number_of IPSECDRV_CMD_ACQUIRE_GET)
STATS=$(number_of IPSECDRV_CMD_STATISTICS_GET)
MATCH=$(number_of IPSECDRV_CMD_MATCH)
MODE=$(number_of IPSECDRV_A_MODE)
LEVEL=$(number_of IPSECDRV_A_EXEMPT_LEVEL)
FILTER=$(number_of IPSECDRV_A_FILTER)
SA=$(number_of IPSECDRV_A_SA)
FLOW=$(number_of IPSECDRV_A_FLOW)
[ "$MATCH" -gt 10 ] && [ "$FLOW" -gt 3 ] || bail "the numbers are found: $MATCH $FLOW"
refusal_words='(Unknown attribute type|Unsupported attribute|Attribute failed policy validation|invalid attribute length|NLA_F_NESTED is missing|integer out of range|[a-z].*)'
unknown() { # any command: refused, with a sentence
	[[ "$(words "$@")" =~ ^(Invalid argument|Numerical result out of range):\ $refusal_words$ ]]
}
for command in $STATUS $BEGIN $FLUSH $STATS; do
	check "N17 command $command takes no attributes" unknown ipd A raw "$command" 1:00
	check "N17 command $command takes none that nobody knows" unknown ipd A raw "$command" 200:00
done
for command in $GET $SA_GET $ACQUIRES; do
	refuse "N17 the list of command $command takes no attributes" ipd A raw "$command" dump 1:01000000
done
# shellcheck disable=SC2086 # words
refuse "N17 not even of its command" ipd A raw "$GET" dump $FILTER_ID:01000000
before=$(state)
for command in $MODE_SET $ADD $DEL $CHANGE $COMMIT $ABORT $GET $SPI $SA_NEW $MATCH; do
	check "N17 command $command refuses an attribute that nobody knows" unknown ipd A raw "$command" 200:00
	check "N17 command $command refuses one that is another's" unknown ipd A raw "$command" 25:00000000
	check "N17 command $command needs more than nothing" unknown ipd A raw "$command"
done
check "N17 a mode that is none" unknown ipd A raw "$MODE_SET" "$MODE:63"
check "N17 a mode of four bytes" unknown ipd A raw "$MODE_SET" "$MODE:01000000"
check "N17 a level that is none" unknown ipd A raw "$MODE_SET" "$LEVEL:04"
check "N17 a nest that does not say so" unknown ipd A raw "$ADD" "$FILTER:0800010001000000"
NEST=$((FILTER | 0x8000))
check "N17 an unknown attribute in a nest" unknown ipd A raw "$ADD" "$NEST:080001000500000008007f0000000000"
check "N17 an answer's attribute in a request" unknown ipd A raw "$ADD" "$NEST:08000100050000000800110000000000"
check "N17 an attribute that is cut off" unknown ipd A raw "$ADD" "$NEST:08000100"
check "N17 one that is longer than its nest" unknown ipd A raw "$ADD" "$NEST:5000010005000000"
check "N17 a nest of the wrong command" unknown ipd A raw "$MATCH" "$((SA | 0x8000)):0800010001000000"
same "N17 a command that does not exist" "Operation not supported" "$(words ipd A raw 99 | cut -d: -f1)"
same "N17 a list of what has none" "Operation not supported" "$(words ipd A raw "$MATCH" dump | cut -d: -f1)"
same "N17 all that changed nothing" "$before" "$(state)"
refused "N17 neither mode nor level" "Invalid argument: neither a mode nor an exemption level to set" mode -

# --- filters --------------------------------------------------------------------------------
I="Invalid argument: "
refused "N17 no id" "${I}a filter without id" add out=block
refused "N17 a family that is none" "${I}filter 5: the family is neither IPv4 nor IPv6" \
	raw "$ADD" "$NEST:08000100050000000500020003000000"
refused "N17 addresses of both families" "${I}filter 5: remote side must have 4 bytes" \
	add id=5 family=4 out=block remote=2001:db8::1
refused "N17 me with an address" "${I}filter 5: local side is \"me\" and has an address, too" \
	raw "$ADD" "$NEST:080001000500000005000200020000000500040001000000080005000a000001"
refused "N17 no action" "${I}filter 5: the filter has no action in either direction" add id=5
refused "N17 ports without protocol" "${I}filter 5: a filter with ports needs a protocol that has ports" \
	add id=5 out=block rport=80
refused "N17 an id twice" "File exists: there is a filter 1 already" \
	add id=1 out=permit in=permit remote=192.0.2.99
refused "N17 the same traffic twice" "File exists: filter 5 has the same selectors as filter 1" \
	add id=5 out=permit in=permit local=me remote=203.0.113.1
refused "N17 one of many is wrong" "${I}filter 7: the filter has no action in either direction" \
	add id=6 out=block remote=198.51.100.1 + id=7
refused "N17 removing what is not there" "No such file or directory: there is no filter 4711" del 1 4711
refused "N17 removing by more than the id" "${I}filter 1: only the id says what to remove" \
	raw "$DEL" "$NEST:080001000100000005000a0006000000"
refused "N17 one that does not exist" "No such file or directory: filter 4711 does not exist" get 4711
refused "N17 nothing to add" "${I}the request has no filter" add
refused "N17 nothing to remove" "${I}the request has no filter" del
check "N17 what is right is accepted" ipd A add id=6 out=block remote=198.51.100.1 + id=7 out=block in=block remote=198.51.100.2
same "N17 both" "1 6 7" "$(ipd A list | grep -o '^id=[0-9]*' | cut -d= -f2 | sort -n | xargs)"
same "N17 a change removes and adds" "1 6 8" "$(need ipd A change 7 + id=8 out=block in=block remote=198.51.100.2
	ipd A list | grep -o '^id=[0-9]*' | cut -d= -f2 | sort -n | xargs)"
check "N17 a filter can take its own place" ipd A change 8 + id=8 out=permit in=permit remote=198.51.100.2
same "N17 with other actions" "pass permit-filter" "$(judge A out $A4 198.51.100.2 udp 1 1)"
refused "N17 a change that removes nothing" "${I}the request has no filter id to remove" \
	change + id=9 out=block remote=198.51.100.3
refused "N17 one that adds nothing" "${I}the request has no filter" change 8
refused "N17 one of what is not there" "No such file or directory: there is no filter 77" \
	change 77 + id=9 out=block remote=198.51.100.3
refused "N17 one that adds what stays" "File exists: there is a filter 6 already" \
	change 8 + id=6 out=block remote=198.51.100.3
check "N17 and removed again" ipd A del 6 8

# --- associations ------------------------------------------------------------------------------
check "A26 the driver gives SPIs" need ipd A add id=20 out=negotiate in=negotiate local=me remote=$B4
spis=$(for _ in 1 2 3 4 5 6 7 8; do ipd A spi local=$A4 remote=$B4 filter=20; done)
same "A26 each one another" 8 "$(sort -u <<<"$spis" | grep -c '^0x')"
check "A26 above 255" eval 'for spi in $spis; do [ $((spi)) -ge 256 ] || exit 1; done'
refused "N17 no protection" "${I}the association has no protection" raw "$SPI" "$((SA | 0x8000)):0500050002000000"
refused "N17 two at a time" "${I}the request is about one association" \
	spi local=$A4 remote=$B4 + local=$A4 remote=$B4
refused "N17 no selector" "${I}the association has no filter id" sa dir=out spi=0x1000 local=$A4 remote=$B4
refused "N17 no direction" "${I}the association has no direction" sa spi=0x1000 local=$A4 remote=$B4 filter=20
refused "N17 not one" "${I}the request has 0 associations, not 1 to 16" sa
refused "N17 keys where none belong" "${I}this request takes no keys" \
	spi local=$A4 remote=$B4 cipher=aes-cbc ckey=@16
check "N17 a key that is too long" unknown ipd A sa dir=out spi=0x1000 local=$A4 remote=$B4 filter=20 cipher=aes-cbc ckey=@65
refused "N17 one that does not exist" "No such file or directory: there is no such association" \
	saget dir=out spi=0x1000 local=$A4 remote=$B4
# shellcheck disable=SC2086 # words
check "A25 keys are taken" ipd A sa dir=out spi=0x1000 local=$A4 remote=$B4 filter=20 $ESP
check "A25 the association is there" eval '[[ "$(ipd A saget dir=out spi=0x1000 local=$A4 remote=$B4)" = *" state=mature "* ]]'
same "A25 keys are never given" "" "$(ipd A raw "$SA_GET" dump | grep -i key)"
need ipd A flush
same "A25 a flush removes all" "" "$(ipd A sas)"

# --- transactions -------------------------------------------------------------------------------
need ipd A mode secure
same "N17 a whole set" "filters=2 tuples=1" "$(ipd A load - <<<"id=1 out=block in=block local=me remote=203.0.113.1
id=2 out=block in=block local=me remote=203.0.113.2" | cut -d' ' -f1,2)"
# one socket for many commands; its descriptors have to be our own to be used in $( )
coproc session { on A ipdtool - 2>"$TMP/session.err"; }
session_pid=$!
exec {to}>&"${session[1]}" {from}<&"${session[0]}"
eval "exec ${session[1]}>&-"
talk() {
	echo "$*" >&"$to"
	while read -r line <&"$from"; do
		echo "$line"
		case $line in done | refused) break ;; esac
	done
}
txn=$(talk begin | sed -n 's/transaction=//p')
check "N17 a transaction" [ -n "$txn" ]
same "N17 filters join it" "done" "$(talk tadd "$txn" id=3 out=block in=block remote=$B4)"
same "N17 and do nothing yet" "2 1 2" \
	"$(field filters "$(ipd A status)") $(ipd A list | grep -o '^id=[0-9]*' | cut -d= -f2 | sort -n | xargs)"
check "N17 packets pass" pings A $B4
check "N17 a check says what a commit would" eval '[[ "$(talk check "$txn")" = "filters=1 tuples=1"*done ]]'
check "N17 and is none" pings A $B4
same "N17 what is in force stays" "2 1 2" \
	"$(field filters "$(ipd A status)") $(ipd A list | grep -o '^id=[0-9]*' | cut -d= -f2 | sort -n | xargs)"
same "N17 it is not another socket's" "No such file or directory: this socket has no filter transaction $txn" \
	"$(words ipd A commit "$txn")"
same "N17 who cannot add to it either" "No such file or directory: this socket has no filter transaction $txn" \
	"$(words ipd A tadd "$txn" id=9 out=block)"
check "N17 commit" eval '[[ "$(talk commit "$txn")" = "filters=1 "*done ]]'
check "N17 and it decides" no_ping A $B4
same "N17 the old ones are gone" 3 "$(ipd A list | grep -o '^id=[0-9]*' | cut -d= -f2 | sort -n | xargs)"
same "N17 a commit ends it" refused "$(talk commit "$txn")"
txn=$(talk begin | sed -n 's/transaction=//p')
need talk tadd "$txn" id=4 out=block in=block remote=$B4
need talk tadd "$txn" id=4 out=permit in=permit remote=$A4
same "N17 a check finds the fault of a set" refused "$(talk check "$txn")"
check "N17 and says why" grep -q 'there is a filter 4 already' "$TMP/session.err"
: >"$TMP/session.err"
same "N17 a set with a fault is refused" refused "$(talk commit "$txn")"
check "N17 and says why" grep -q 'there is a filter 4 already' "$TMP/session.err"
same "N17 what was in force stays" 3 "$(ipd A list | grep -o '^id=[0-9]*' | cut -d= -f2 | sort -n | xargs)"
same "N17 an abort" "done" "$(talk abort "$txn")"
same "N17 ends it" refused "$(talk abort "$txn")"
opened=0
while [[ "$(talk begin)" = *done ]]; do opened=$((opened + 1)); done
same "N17 sixteen may be open" 16 $opened
refuse "N17 no more, for others either" ipd A begin
exec {to}>&-
wait "$session_pid" 2>/dev/null
check "N17 they end with their socket" wait_for 10 ipd A begin
same "N17 an empty set" "filters=0 tuples=0" "$(ipd A load - </dev/null | cut -d' ' -f1,2)"

# a filter that stays keeps its counters
need ipd A load - <<<"id=1 out=block in=block local=me remote=$B4"
check "N17 a filter counts" no_ping A $B4
hits=$(field out-hits "$(ipd A get 1)")
need ipd A load - <<<"id=2 out=permit in=permit local=me remote=203.0.113.9
id=1 out=block in=block local=me remote=$B4"
same "N17 and goes on when it stays" "$hits" "$(field out-hits "$(ipd A get 1)")"
need ipd A load - <<<"id=1 out=permit in=permit local=me remote=$B4"
same "N17 not when it changed" 0 "$(field out-hits "$(ipd A get 1)")"

# --- keys go one way: pitfall F10 ------------------------------------------------------------------
# A refusal comes with the request that it is about, unless the program says that it need not, which
# is the fourth option that this one sets: it does not come to that. The driver has wiped the keys.
KEY='\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c'
SPI='\\x00\\x00\\x07\\x77'
seen() { grep -c "^$1.*$2" "$TMP/strace"; } # SYSTEM-CALL BYTES
keys_wiped() { # NAME WORDS...
	refuse "$1: refused" ip netns exec "$A" strace -o "$TMP/strace" -xx -s 100000 \
		-e trace=network -e inject=setsockopt:retval=0:when=4 \
		ipdtool sa dir=in spi=0x777 local=$A4 filter=1 cipher=aes-cbc ckey=@16 integ=hmac-sha1 ikey=@20 "${@:2}"
	same "$1: the request had keys, and came back without" "1 1 1 0" \
		"$(seen send "$SPI") $(seen send "$KEY") $(seen recv "$SPI") $(seen recv "$KEY")"
}
need ipd A load - <<<"id=1 out=negotiate in=negotiate local=me remote=$B4"
keys_wiped "F14 keys for an SPI that nobody allocated" remote=$B4
keys_wiped "F14 keys behind which something cannot be read" remote=$B4 + dir=in spi=1 local=$A4 remote=$B6 filter=1

# --- lists: pitfall E4 ---------------------------------------------------------------------------
seq 1 3000 | awk '{ printf "id=%d out=block in=block remote=10.%d.%d.%d/32 proto=%d\n", $1, $1 / 65536, $1 / 256 % 256, $1 % 256, $1 % 3 ? 6 : 17 }' >"$TMP/many"
same "N17 many filters" "filters=3000 tuples=1" "$(ipd A load "$TMP/many" | cut -d' ' -f1,2)"
same "N17 are all listed, once" "3000 3000" \
	"$(ipd A list | wc -l) $(ipd A list | grep -o '^id=[0-9]*' | sort -u | wc -l)"
spawn lister ip netns exec "$A" bash -c "while ipdtool list; do :; done"
for i in $(seq 4001 4040); do
	need ipd A add "id=$i" out=block in=block "remote=10.200.0.$((i - 4000))"
	need ipd A del "$i"
done
check "N17 a list that a change interrupts says so" grep -q 'interrupted by a change' "$TMP/lister.log"
stop lister
check_world
finish
