# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # what is set here is used by the two that speak to strangers
# A stranger as the peer of one of our hosts: another implementation of IKE, over XFRM.  Sourced
# after lib.sh and hosts.sh, with PEER set to strongswan or libreswan, or one of another Debian suite:
# strongswan-trixie.
#
#   peer_up                         host A is ours, B the stranger's; driver loaded, all started
#   peer_config MM QM [PFS [MODE]]  what B wants, in the words of our own policy
#   peer_initiate                   B starts
#
#   A 192.0.2.1, 2001:db8::1  eth0 --- left M right --- eth0  B 192.0.2.2, 2001:db8::2
#   agent, ike, cred, driver           bridge            charon or pluto, XFRM
#
# What can be set before peer_config:
#   A_ADDR B_ADDR      other addresses
#   PEER_REMOTE        where B sees A, if that is not A's identity
#   PEER_PSK           a key that is not ours
#   PEER_CERTIFICATE   the name of a certificate of pki.sh that B shall use; A_ID is then our
#                      subject and PEER_ROOT the one of the root CA
#   PEER_PORT          only this one of B, as tcp/5001
#   PEER_DPD           not empty: B asks a silent peer every 10 s, and gives it up after 30 s
#   PEER_LIFE          not empty: quick modes of B live for 5 minutes, main modes for 10
#   PEER_PATIENCE      seconds that a command to B may take, 60 (at any time)
# and before peer_up, the names of pki.sh's that are B's: PEER_AUTHORITIES, PEER_CERTIFICATES.
# shellcheck source=/dev/null # one of two
. "$TOP/selftests/${PEER%-*}.sh"

OUR_NET=10.1.0.0/24 PEER_NET=10.2.0.0/24
OUR_INNER=10.1.0.1 PEER_INNER=10.2.0.1

# --- one notation for everybody -------------------------------------------------------------

declare -A group_names=([1]=modp768 [2]=modp1024 [3]=modp2048 [5]=modp1536 [14]=modp2048
	[15]=modp3072 [16]=modp4096 [17]=modp6144 [18]=modp8192 [19]=ecp256 [20]=ecp384 [21]=ecp521)

# peer_words MM QM PFS: sets mm_offers (cipher-hash-group), qm_protocol, qm_offers (cipher-hash,
# cipher "" for AH) and pfs_group, in lower case, with the names of groups that most use.
peer_words() {
	local offer
	mm_offers=() qm_offers=() pfs_group=''
	for offer in ${1,,}; do
		mm_offers+=("${offer%-*}-${group_names[${offer##*-}]}")
	done
	for offer in ${2,,}; do
		offer=${offer%%:*} qm_protocol=${offer%%[*}
		offer=${offer#*[} offer=${offer%]}
		case $qm_protocol in ah) offer=",$offer" ;; esac
		qm_offers+=("${offer/,/-}")
	done
	case ${3-} in
	'') ;;
	GRPMM) pfs_group=${mm_offers[0]##*-} ;;
	*) pfs_group=${group_names[${3#GRP}]} ;;
	esac
}

peer_config() { # MM QM [PFS [transport|tunnel]]
	local mm_offers qm_protocol qm_offers pfs_group cipher hash group
	peer_words "$1" "$2" "${3-}"
	peer_apply "${4-transport}"
}

# xfrm_of QM: how XFRM shows what was agreed, as extended regular expressions, one per line
xfrm_of() {
	local mm_offers qm_protocol qm_offers pfs_group cipher hash
	peer_words '' "$1"
	IFS=- read -r cipher hash <<<"${qm_offers[0]}"
	echo "proto $qm_protocol "
	case $cipher in
	aesgcm*) cipher=${cipher#aesgcm}
		echo "aead rfc4106\\(gcm\\(aes\\)\\) 0x[0-9a-f]{$((cipher / 4 + 8))} 128$"
		return ;;
	aes*) echo "cbc\\(aes\\) 0x[0-9a-f]{$((${cipher#aes} / 4))}$" ;;
	3des) echo 'cbc\(des3_ede\) ' ;;
	des) echo 'cbc\(des\) ' ;;
	none) echo 'ecb\(cipher_null\)' ;;
	esac
	case $hash in
	md5 | sha1) echo "hmac\\($hash\\) .* 96$" ;;
	*) echo "hmac\\($hash\\) .* $((${hash#sha} / 2))$" ;;
	esac
}

# rows_of_methods QM PFS: rows of features.tsv that packets under these prove
rows_of_methods() {
	local rows
	case $1 in AH*) rows=F15 ;; ESP\[None*) rows=F19 ;; *) rows=F16 ;; esac
	case $1 in *MD5* | *SHA1*) rows+=" F20" ;; esac
	case $1 in *DES,*) rows+=" F21" ;; esac
	case $2 in GRPMM) rows+=" K19" ;; GRP*) rows+=" K18" ;; esac
	echo "$rows"
}

# --- what B has -----------------------------------------------------------------------------

# Associations; an SPI of 0 is the wish for one that the kernel has.
peer_sas() { ip -n "$B" xfrm state | grep -c 'spi 0x0*[1-9a-f]'; }
# matching PATTERN LINE...: sets n, how many match. Programs are what takes time in guests.
matching() {
	local pattern=$1 line
	shift
	n=0
	for line; do
		[[ ! $line =~ $pattern ]] || n=$((n + 1))
	done
}
# Every argument describes a line of B's associations (extended regular expressions); sets xfrm_state, all lines.
peer_state() {
	local wanted n
	mapfile -t xfrm_state < <(ip -n "$B" xfrm state)
	for wanted in "$@"; do
		matching "$wanted" "${xfrm_state[@]}"
		[ $n -gt 0 ] || {
			echo "no \"$wanted\" in:"
			printf '%s\n' "${xfrm_state[@]}"
			return 1
		}
	done
}
peer_spis() { ip -n "$B" xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort; }
# SPI-LIST: a pair that is not in the list
new_spis() { [ "$(comm -13 <(echo "$1") <(peer_spis) | wc -l)" -ge 2 ]; }

# Nothing of one test is left for the next one.
part() {
	policy_off A >/dev/null 2>&1
	peer_terminate >/dev/null 2>&1
	ip -n "$B" -batch - <<<$'xfrm state flush\nxfrm policy flush'
}

why() {
	diag "$(service_log A ipsec-policy-agent | tail -n 8)"
	diag "$(peer_log | tail -n 20)"
}

# --- hosts ----------------------------------------------------------------------------------

peer_topology() {
	ns_add A M B
	link A eth0 M left
	link M right B eth0
	need ip -n "$M" link add bridge type bridge mcast_snooping 0
	need ip -n "$M" link set left master bridge
	need ip -n "$M" link set right master bridge
	need ip -n "$M" link set bridge up
	addr A eth0 "$A4/24" "$A6/64"
	addr B eth0 "$B4/24" "$B6/64"
}

# A peer of another suite runs in a root of its own, in which lie this system's moving parts.
PEER_CHROOT=()
peer_files() {
	local root dir
	case $PEER in
	*-*) root=$("$TOP/scripts/peer" path "$PEER") || bail "$PEER is unpacked (scripts/peer fetch)"
		for dir in proc sys dev run tmp; do
			need mount --rbind "/$dir" "$root/$dir"
		done
		PEER_CHROOT=(chroot "$root") ;;
	*) mount_peer "$PEER" ;;
	esac
}

peer_up() {
	peer_files
	module_loaded || load_module
	peer_topology
	services_start A
	peer_start
}

# --- packets --------------------------------------------------------------------------------

# As wait_for, but with long steps: where the clock jumps they are free.
patience() { # SECONDS COMMAND...
	local end=$((SECONDS + $1 * SLOW))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 2
	done
}

# sent_nothing_clear NAME CAPTURE: of what our host sent to the peer. Its own first packets may be
# in clear: they are its affair, and dropped by us.
sent_nothing_clear() {
	local clear="$CLEAR and (host $B4 or host $B6)"
	same "$1" 0 "$(capture_count "$2" "$clear")" ||
		diag "$(tcpdump -r "$(capture_file "$2")" -n "$clear" 2>&1)"
}

# reaches VARIABLE ADDRESS: a packet and its answer pass. A responder may install its inbound
# association only after message 3, and misses what waited for the negotiation.
reaches() { wait_for 30 on "$1" ping -c 1 -W 1 "$2"; }

all_answered() { # VARIABLE ADDRESS: with associations in place nothing is lost
	on "$1" ping -c 5 -i 0.2 -W "$(secs 10)" "$2" >"$TMP/ping" 2>&1
	cat "$TMP/ping"
	grep -q ' 5 received' "$TMP/ping"
}

# transfer VARIABLE-FROM VARIABLE-TO ADDRESS-TO: 10 MB of noise over TCP, compared by checksum
transfer() {
	local sum
	[ -e "$TMP/noise" ] || head -c 10000000 /dev/urandom >"$TMP/noise"
	spawn "sink-$1" on "$2" socat -u "TCP-LISTEN:5001,reuseaddr,pf=${4-ip4}" "CREATE:$TMP/noise.$1"
	wait_for 20 listens "$2" || return
	on "$1" socat -u "OPEN:$TMP/noise" "TCP:$3:5001,connect-timeout=$(secs 20)" || return
	wait_for 30 not running "sink-$1"
	sum=$(sha256sum <"$TMP/noise")
	[ "$sum" = "$(sha256sum <"$TMP/noise.$1")" ] || {
		echo "checksums differ: $(ls -l "$TMP"/noise*)"
		return 1
	}
}
listens() { [ -n "$(on "$1" ss -Hltn 'sport = :5001')" ]; }
