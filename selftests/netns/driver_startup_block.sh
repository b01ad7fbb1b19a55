#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=400
#
# Startup mode block: DHCP, exemptions. A is the guest's initial namespace.
#
#   A 192.0.2.1, 2001:db8::1 wire ------- eth0 B 192.0.2.2, 2001:db8::2
#                                              DHCP server for 192.0.2.100
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

startup_up
serve_tcp tcp-B B 80
serve_tcp ssh A 22
serve_tcp web A 81
spawn echo ip netns exec "$B" socat -t 20 -T 30 UDP4-RECVFROM:7000,fork SYSTEM:cat
wait_for 10 listens_udp B 7000

# --- block ------------------------------------------------------------------------
begin startup_mode=block
same "D09 D12 block" "startup-block block" "$(mode_of A) $(parameter startup_mode)"
refuse "D09 it holds the module" unload_module
need ip -n "$B" neigh flush dev eth0
need ip neigh flush dev wire
for pair in "$A4 $B4" "$A6 $B6"; do
	check "D09 nothing leaves for ${pair#* }" no_ping A "${pair#* }"
	check "D09 nothing arrives at ${pair% *}" no_ping B "${pair% *}"
	check "D09 but ${pair% *} is found by its neighbours" \
		eval 'on B ip neigh show ${pair% *} | grep -q lladdr'
done
check "D09 no connection leaves" no_tcp A $B4 80
check "D09 none arrives" no_tcp B $A4 81
check "D09 loopback stays" pings A 127.0.0.1
same "D09 match says so" "drop startup drop startup" \
	"$(judge A out $A4 $B4 tcp 1 22) $(judge A in $B4 $A4 tcp 1 22)"
same "D10 D11 but of DHCP" "pass boot-exempt pass boot-exempt" \
	"$(judge A out 0.0.0.0 255.255.255.255 udp 68 67) $(judge A in $B4 $A4 udp 67 68)"

# DHCP for real: busybox sends its first packets past IP, but renews through it
cat >"$TMP/udhcpd.conf" <<CONF
start 192.0.2.100
end 192.0.2.100
interface eth0
max_leases 1
lease_file $TMP/leases
pidfile $TMP/udhcpd.pid
option subnet 255.255.255.0
option lease 3600
CONF
touch "$TMP/leases"
cat >"$TMP/udhcpc.sh" <<'SCRIPT'
#!/bin/sh
[ "$1" != bound ] || ip addr add "$ip/24" dev "$interface"
echo "$1 ${ip-}" >>"${0%/*}/dhcp"
SCRIPT
chmod +x "$TMP/udhcpc.sh"
spawn udhcpd ip netns exec "$B" busybox udhcpd -f "$TMP/udhcpd.conf"
wait_for 10 listens_udp B 67
capture_start dhcp A wire 'udp port 67'
spawn udhcpc busybox udhcpc -f -i wire -s "$TMP/udhcpc.sh" -t 20 -T 1
check "D10 a DHCP lease is obtained" wait_for 20 grep -q 'bound 192.0.2.100' "$TMP/dhcp"
kill -USR1 "${spawned[udhcpc]}"
check "D10 and renewed, through the host's own IP" wait_for 20 grep -q 'renew 192.0.2.100' "$TMP/dhcp"
capture_stop dhcp
check "D10 between two addresses" [ "$(capture_count dhcp "src 192.0.2.100 and dst $B4")" -ge 1 ]
stop udhcpc
stop udhcpd
need ip addr del 192.0.2.100/24 dev wire

# DHCPv6, as far as the driver looks: to a group, the answer to the host
spawn dhcp6 ip netns exec "$B" socat -t 20 -T 30 \
	'UDP6-RECVFROM:547,fork,ipv6-join-group=[ff02::1:2]:eth0' SYSTEM:'echo lease'
wait_for 10 listens_udp B 547
same "D10 DHCPv6 asks and gets an answer" lease "$(on A socat -t "$(secs 5)" -T "$(secs 5)" - \
	'UDP6-DATAGRAM:[ff02::1:2%wire]:547,bind=[::]:546' <<<solicit)"
dropped=$(stat_of A drop.startup)
on A socat -u - 'UDP6-DATAGRAM:[ff02::1:2%wire]:547,bind=[::]:545' <<<solicit
check "D09 and not from another port" [ "$(stat_of A drop.startup)" -gt "$dropped" ]

# --- exemptions ---------------------------------------------------------------------------------------------------
begin startup_mode=block 'boot_exempt="tcp:0:22:inbound UDP:0:7000:outbound,ICMPV6:inbound"'
same "D11 the list that was read" "17:0:7000:outbound,6:0:22:inbound,58:inbound" "$(status_of boot)"
same "D11 D13 as the module says" "UDP:0:7000:outbound,TCP:0:22:inbound,ICMPV6:inbound" \
	"$(parameter boot_exempt)"
for a in $A4 $A6; do
	check "D11 an exempt port of $a is reached" tcp B $a 22
	check "D11 no other port" no_tcp B $a 81
done
check "D11 nor in the other direction" no_tcp A $B4 22
check "D11 an exempt protocol" pings B $A6
same "D11 strangers open nothing" 0 "$(status_of stateful)"
same "D11 an outbound exemption opens its answers" question \
	"$(on A socat -t 20 -T 20 - "UDP4:$B4:7000" <<<question)"
same "D11 which are remembered" 1 "$(status_of stateful)"
same "D11 match says so" "pass boot-exempt pass boot-exempt drop startup" \
	"$(judge A in $B4 $A4 tcp 9 22) $(judge A out $A4 $B4 tcp 22 9) $(judge A out $A4 $B4 tcp 9 22)"
need ipd A mode block
check "D17 the operational block honours no exemption" no_tcp B $A4 22
same "D17 match says so" "drop mode-block" "$(judge A in $B4 $A4 tcp 9 22)"
need ipd A mode secure
check "D15 secure does not know them either" tcp B $A4 81

begin startup_mode=stateful boot_exempt=TCP:0:22:inbound
check "D11 in stateful, too, an exempt port is reached" tcp B $A4 22
check "D08 no other port" no_tcp B $A4 81
check "D06 and everything leaves" tcp A $B4 80

# as long a list as there may be, all of it shown; by the system call, whatever insmod's limit is
insert() { # PARAMETERS
	perl -e 'open my $file, "<", $ARGV[0] or die; my $words = $ARGV[1];
		syscall(313, fileno $file, $words, 0) == 0 or die "finit_module: $!\n"' "$IPD_MODULE" "$1"
}
numbered() { seq -s, -f "$1:0:%g:inbound" 1 "$2"; }
need ipd A mode permit
need unload_module
# strnlen_user() of User Mode Linux stops at the end of a page
case ${IPD_TIER-} in
uml*) skip "D11 a list of 1024" "this kernel cuts parameters at the end of a page" ;;
*)
	refuse "D11 one exemption more than a list may have is refused" insert "boot_exempt=$(numbered TCP 1025)"
	check "D11 a list of 1024" insert "startup_mode=block boot_exempt=$(numbered TCP 1024)"
	check "D11 is shown whole" [ "$(numbered 6 1024)" = "$(status_of boot)" ]
	check "D11 and used" tcp B $A4 22
	check "D11 where it does not fit, there is a sign of it" \
		eval 'parameter boot_exempt | grep -q "[.][.][.]$"'
	need ipd A mode permit
	need unload_module
	;;
esac
check "D16 at last, everything passes" pings B $A4
check_world
finish
