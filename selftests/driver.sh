# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The driver alone, without agent and IKE: two hosts, ipdtool, associations by hand.  Source it
# after lib.sh:
#
#   . "$TOP/selftests/lib.sh"
#   . "$TOP/selftests/driver.sh"
#   driver_up               A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
#   ipd A mode secure
#   ipd A add id=1 out=block in=block local=me remote=$B4
#   same "F04 ..." 3 "$(stat_of A drop.filter-block)"

A4=192.0.2.1 B4=192.0.2.2 A6=2001:db8::1 B6=2001:db8::2

# ipd HOST COMMAND...: ipdtool on that host
ipd() {
	local host=$1
	shift
	on "$host" ipdtool "$@"
}

stat_of() { ipd "$1" stats "$2"; }                    # HOST COUNTER
has_stat() { [ "$(stat_of "$1" "$2")" = "$3" ]; }      # HOST COUNTER VALUE
field() { grep -o " $1=[^ ]*" <<<" $2" | head -n 1 | cut -d= -f2-; } # NAME LINE
mode_of() { field mode "$(ipd "$1" status)"; }
# what match says of a packet: "verdict reason"
verdict_of() { # HOST out|in SOURCE DESTINATION [PROTOCOL [SPORT DPORT]]
	local line
	line=$(ipd "$@") || return
	echo "$(field verdict "$line") $(field pass "$line")$(field drop "$line")"
}
judge() { # HOST out|in ...
	local host=$1
	shift
	verdict_of "$host" match "$@"
}

driver_up() {
	ns_add A B
	link A eth0 B eth0
	addr A eth0 $A4/24 $A6/64
	addr B eth0 $B4/24 $B6/64
	load_module
	defer driver_down
}

# The same with the initial namespace as A, for which the module's parameters are, and not loaded:
#
#   A 192.0.2.1, 2001:db8::1 wire ------- eth0 B 192.0.2.2, 2001:db8::2
startup_up() {
	A=$(mktemp -u here-XXXXXX)
	need ip netns attach "$A" $$
	defer ip netns del "$A"
	need sysctl -qw net.ipv6.conf.default.accept_dad=0
	ns_add B
	link A wire B eth0
	addr A wire $A4/24 $A6/64
	addr B eth0 $B4/24 $B6/64
	defer driver_down
}
# The module loaded anew; an administrator would start and stop the agent to get it out.
begin() { # PARAMETER=VALUE...
	if module_loaded; then
		need ipd A mode permit
		need unload_module
	fi
	load_module "$@"
}
parameter() { cat "/sys/module/ipsecdrv/parameters/$1"; }
status_of() { field "$1" "$(ipd A status)"; }

# every namespace back to permit, so that the module may go
driver_down() {
	local host
	for host in A B C R; do
		[ -z "${!host-}" ] || ip netns exec "${!host}" ipdtool mode permit
	done
	unload_module
}

# fresh HOST...: no filters, no associations, no negotiations, secure mode
fresh() {
	local host
	for host in "$@"; do
		need ipd "$host" mode permit 3
		need ipd "$host" flush
		need ipd "$host" load - </dev/null
		need ipd "$host" mode secure
	done
}

pings() { on "$1" ping -c "${3:-1}" -i 0.2 -W "$(secs 2)" "$2"; }   # HOST ADDRESS [COUNT]
no_ping() { ! on "$1" ping -c 1 -W 1 "$2"; }                        # HOST ADDRESS

# tcp HOST ADDRESS PORT: a connection to a listener that answers "served"
serve_tcp() { # NAME HOST PORT
	local -n ns_=$2
	spawn "$1" ip netns exec "$ns_" socat -t 20 "TCP6-LISTEN:$3,fork,reuseaddr" SYSTEM:"echo served"
	wait_for 10 listens_tcp "$2" "$3"
}
listens_tcp() { [ -n "$(on "$1" ss -Hltn "sport = :$2")" ]; }
# socat gives the other side half a second after the end of its own input, unless told otherwise
tcp() { [ "$(on "$1" socat -t 20 -T 20 - "TCP:$(brackets "$2"):$3,connect-timeout=$(secs 2)" </dev/null)" = served ]; }
no_tcp() { ! on "$1" socat -T 1 - "TCP:$(brackets "$2"):$3,connect-timeout=1" </dev/null; }
brackets() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

# udp HOST ADDRESS PORT [TEXT]: one datagram
udp() { on "$1" socat -u - "UDP:$(brackets "$2"):$3${5:+,$5}" <<<"${4:-hello}"; }

# The negotiation that a listener was told of.  Start: listen HOST.
listen() { # HOST [GROUP...]
	local -n ns_=$1
	local host=$1
	shift
	spawn "listen-$host" ip netns exec "$ns_" ipdtool listen "${@:-acquire}"
	wait_for 10 grep -q listening "$TMP/listen-$host.log"
}
# A negotiation that the agent is slow to answer is told again, by the same id: that is no other.
reports() { # HOST [EVENT]
	awk -v event="${2:-acquire-event}" '
		$1 != event { next }
		event == "acquire-event" && match($0, / id=[0-9]+/) && seen[substr($0, RSTART, RLENGTH)]++ { next }
		1' "$TMP/listen-$1.log"
}
events() { reports "$1" "${2-}" | wc -l; }                    # HOST [EVENT]
event() { reports "$1" "${3-}" | sed -n "${2:-1}p"; } # HOST [N [EVENT]]
acquire_id() { field id "$(event "$1" "${2:-1}")"; }                          # HOST [N]
has_events() { [ "$(events "$1" "${3-}")" -ge "$2" ]; }                       # HOST N [EVENT]

# An ESP pair between A and B for filter ID, on both; SPIs are BASE (to B) and BASE+1 (to A).
# The associations that receive come first, so that nobody sends what nobody takes.
PROTECTION=esp
ESP="cipher=aes-cbc ckey=@16 integ=hmac-sha1 ikey=@20"
secure_pair() { # FILTER BASE [FAMILY [SELECTOR-OF-A SELECTOR-OF-B]]
	local a=$A4 b=$B4 spi
	[ "${3-4}" = 4 ] || a=$A6 b=$B6
	for host in B A; do secure_half "$host" "$1" "$2" $a $b "${4-}" "${5-}"; done
}
secure_half() { # HOST FILTER BASE ADDRESS-OF-A ADDRESS-OF-B [SELECTOR-OF-A SELECTOR-OF-B]
	local local_=$4 remote=$5 in=$(($3 + 1)) out=$3 sel=${6-} words="proto=$PROTECTION $ESP"
	[ "$1" = A ] || local_=$5 remote=$4 in=$3 out=$(($3 + 1)) sel=${7-}
	sel=${sel:+sel=$sel}
	# shellcheck disable=SC2086 # words
	{
		need ipd "$1" spi "proto=$PROTECTION" spi=$in local=$local_ remote=$remote filter=$2 $sel
		need ipd "$1" sa dir=in spi=$in local=$local_ remote=$remote filter=$2 $words pair=$out $sel \
			+ dir=out spi=$out local=$local_ remote=$remote filter=$2 $words pair=$in $sel
	}
}

# one direction on one host; SPIs as secure_half has them: BASE to B, BASE + 1 to A
secure_one() { # HOST in|out BASE
	local local_=$A4 remote=$B4 spi
	[ "$1" = A ] || { local_=$B4 remote=$A4; }
	case $1$2 in Aout | Bin) spi=$3 pair=$(($3 + 1)) ;; *) spi=$(($3 + 1)) pair=$3 ;; esac
	[ "$2" = out ] || need ipd "$1" spi spi=$spi local=$local_ remote=$remote
	# shellcheck disable=SC2086 # words
	need ipd "$1" sa dir="$2" spi=$spi local=$local_ remote=$remote filter=7 $ESP pair=$pair
}

# The same pair as IKE installs it. A is the initiator: B can receive before A sends, and A before B does
rekey() { # BASE
	secure_one B in "$1"
	secure_one A in "$1"
	secure_one A out "$1"
	secure_one B out "$1"
}
# and an older pair goes
old_goes() { # BASE
	need ipd A sadel dir=out spi="$1" local=$A4 remote=$B4
	need ipd B sadel dir=out spi=$(($1 + 1)) local=$B4 remote=$A4
	need ipd B sadel dir=in spi="$1" local=$B4 remote=$A4
	need ipd A sadel dir=in spi=$(($1 + 1)) local=$A4 remote=$B4
}

# Numbered datagrams FROM..TO from one socket, each a line of SIZE bytes at least.
send_udp() { # HOST ADDRESS PORT FROM TO [SIZE]
	on "$1" perl -e '
		use Socket qw(:DEFAULT getaddrinfo);
		my ($host, $port, $from, $to, $size) = @ARGV;
		my ($err, $ai) = getaddrinfo($host, $port, { socktype => SOCK_DGRAM });
		die $err if $err;
		socket(my $s, $ai->{family}, SOCK_DGRAM, 0) or die "socket: $!";
		for ($from .. $to) { send($s, sprintf("%-*s\n", $size - 1, $_), 0, $ai->{addr}); }
	' "$2" "$3" "$4" "$5" "${6:-8}"
}
receive_udp() { # NAME HOST PORT: their lines in $TMP/NAME.got
	local -n ns_=$2
	# 33 is SO_RCVBUFFORCE: what a slow machine has not read yet must not be taken for lost
	spawn "$1" ip netns exec "$ns_" perl -MSocket=:all -e '
		socket(my $s, AF_INET6, SOCK_DGRAM, 0) or die "socket: $!";
		setsockopt($s, SOL_SOCKET, 33, 8000000) or die "setsockopt: $!";
		open(my $got, ">", $ARGV[1]) or die "$ARGV[1]: $!";
		bind($s, pack_sockaddr_in6($ARGV[0], IN6ADDR_ANY)) or die "bind: $!";
		while (defined recv($s, my $text, 65536, 0)) { syswrite $got, $text }' "$3" "$TMP/$1.got"
	wait_for 10 listens_udp "$2" "$3"
}
listens_udp() { [ -n "$(on "$1" ss -Hlun "sport = :$2")" ]; }
got() { awk '{ print $1 }' "$TMP/$1.got" | xargs; }                       # NAME
has_got() { grep -q "^$2 *$" "$TMP/$1.got"; }                             # NAME NUMBER
