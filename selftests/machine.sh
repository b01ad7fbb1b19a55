# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Booted machines, and this namespace as their peer: sourced after lib.sh and driver.sh in what
# "scripts/machine run" starts.
#
#   H 192.0.2.1, 2001:db8::1 wire ---+--- eth0 A 192.0.2.10
#     DHCP server                    +--- eth0 B 192.0.2.11
#
#   wire_up
#   on_disk A /etc/motd     its disk has this file, read from stdin, and each folder of its path that is
#                           not there: before it is first powered on
#   power_on A              QEMU starts; returns as soon as its cable is plugged in
#   booting A               ... until its control channel answers: early in the boot
#   guest A 'ip -br addr'   a command in it, whatever its network does: output and status
#   booted A                ... until systemd is done with the boot
#   reboot A; power_off A   ... until it is down; power_on A goes on with the same disk
#   fall_asleep A; set_clock A 20:00; wake A      suspended to RAM, until a later time
#
# All that crosses A's cable is captured from before power-on. A mark on the wire divides the
# capture into phases; one right after power_on comes long before the machine's first packet:
#
#   power_on A; phase early; ...; phase late; ...; power_off A
#   leaks A early late      what A sent between these marks, without what never matters
#   leaks A late off        and from the last one on
set -u

H4=192.0.2.1 H6=2001:db8::1
declare -A MACHINE_ADDRESS=([A]=192.0.2.10 [B]=192.0.2.11) MACHINE_MAC=([A]=52:54:00:00:00:0a [B]=52:54:00:00:00:0b)
ASK=$TOP/scripts/guest/machine/ask
# Seconds for a boot and for a command, before SLOW.
BOOT_TIME=${BOOT_TIME-60} COMMAND_TIME=${COMMAND_TIME-12}

# --- network --------------------------------------------------------------

wire_up() {
	H=$(mktemp -u here-XXXXXX)
	need ip netns attach "$H" $$
	defer ip netns del "$H"
	need ip link set lo up
	need sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
	need ip link add wire type bridge mcast_snooping 0
	need ip addr add $H4/24 dev wire
	need ip addr add $H6/64 dev wire nodad
	need ip link set wire up
	dhcp_serve
}

dhcp_serve() {
	local name
	{
		printf 'start 192.0.2.100\nend 192.0.2.110\ninterface wire\noption subnet 255.255.255.0\n'
		printf 'option router %s\noption lease 3600\n' $H4
		printf 'lease_file %s\npidfile %s\n' "$TMP/leases" "$TMP/udhcpd.pid"
		for name in "${!MACHINE_MAC[@]}"; do
			echo "static_lease ${MACHINE_MAC[$name]} ${MACHINE_ADDRESS[$name]}"
		done
	} >"$TMP/udhcpd.conf"
	touch "$TMP/leases"
	spawn udhcpd busybox udhcpd -f "$TMP/udhcpd.conf"
	wait_for 10 listens_udp H 67
}

# A cable with a tap at this end; it is tapped for as long as the machine is there.
cable() { # NAME
	need ip tuntap add "cable-$1" mode tap
	need ip link set "cable-$1" master wire up
	spawn "capture-$1" tcpdump -i "cable-$1" -n -U --immediate-mode -B 16384 -Z root -w "$TMP/$1.pcap"
	wait_for 10 grep -q 'listening on' "$TMP/capture-$1.log" || bail "the capture of $1 starts"
}

# --- disks ----------------------------------------------------------------

has_disk() { # NAME
	[ -e "$TMP/$1.disk" ] || need cp --reflink=auto --sparse=always "$IPD_IMAGE" "$TMP/$1.disk"
}
# The partition begins at 1 MiB.
on_disk() { # NAME FILE
	local folder='' name
	has_disk "$1"
	cat >"$TMP/on-disk"
	{
		for name in $(tr / ' ' <<<"${2%/*}"); do
			folder=$folder/$name
			echo "mkdir $folder"
		done
		echo "write $TMP/on-disk $2"
	} >"$TMP/on-disk.commands"
	debugfs -w -f "$TMP/on-disk.commands" "$TMP/$1.disk?offset=1048576" >"$TMP/on-disk.log" 2>&1
	need eval "debugfs -R 'cat $2' '$TMP/$1.disk?offset=1048576' 2>'$TMP/on-disk.log' | cmp - '$TMP/on-disk'"
}

# --- power ----------------------------------------------------------------

# Each time QEMU starts anew: after a reset of its own an emulated machine has been seen to stand
# still in the middle of a string instruction.
power_on() { # NAME [QEMU-OPTIONS...]
	local name=$1
	shift
	has_disk "$name"
	[ -p "$TMP/$name.in" ] || {
		cable "$name"
		need mkfifo "$TMP/$name.in" "$TMP/$name.out"
	}
	stop "machine-$name"
	# Of a simple processor: SMAP, PCID, XSAVE and wide registers cost much under emulation.
	spawn "machine-$name" qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,+rdrand \
		-smp "${CPUS-1}" -m 768 -display none -nodefaults -nic none -no-reboot \
		-monitor "unix:$TMP/$name.monitor,server=on,wait=off" \
		-drive "file=$TMP/$name.disk,format=raw,if=virtio,cache=unsafe" \
		-netdev "tap,id=net,ifname=cable-$name,script=no,downscript=no" \
		-device "virtio-net-pci,netdev=net,romfile=,mac=${MACHINE_MAC[$name]}" \
		-device virtio-serial-pci -chardev "pipe,id=control,path=$TMP/$name" \
		-device virtserialport,chardev=control,name=machine.control \
		-chardev "file,id=console,path=$TMP/$name.console,append=on" -serial chardev:console "$@"
	wait_for 10 has_carrier "$name" || bail "the cable of $name is plugged in"
}
# Before that nothing can be sent, not even a mark.
has_carrier() { grep -q 1 "/sys/class/net/cable-$1/carrier"; }

# ask has status 124 if there is no answer
guest() { "$ASK" "$TMP/$1" "$(secs "$COMMAND_TIME")" "${*:2}"; } # NAME COMMAND
booting() { "$ASK" --boot "$TMP/$1" "$(secs "$BOOT_TIME")" >/dev/null; } # NAME

# Whether all has started is another question: "systemctl is-system-running".
booted() { # NAME
	"$ASK" "$TMP/$1" "$(secs "$BOOT_TIME")" 'systemctl is-system-running --wait' >"$TMP/booted" ||
		grep -q '^degraded$' "$TMP/booted"
}

# as logind would have it, which is not there
go_to() { guest "$1" "systemctl --no-block --job-mode=replace-irreversibly start $2.target"; } # NAME TARGET
is_off() { ! running "machine-$1"; } # NAME
power_off() { go_to "$1" poweroff && wait_for "$BOOT_TIME" is_off "$1"; } # NAME
reboot() { # NAME: it is off for as long as QEMU needs to start
	go_to "$1" reboot && wait_for "$BOOT_TIME" is_off "$1" && power_on "$1" && booting "$1"
}

# --- sleep ----------------------------------------------------------------

monitor() { socat -t 10 - "UNIX-CONNECT:$TMP/$1.monitor" <<<"$2"; } # NAME COMMAND
is_asleep() { monitor "$1" 'info status' | grep -q '(suspended)'; } # NAME
fall_asleep() { # NAME [COMMAND]
	guest "$1" "${2-systemctl --no-block start suspend.target}" && wait_for "$BOOT_TIME" is_asleep "$1"
}
# By the clock on its board, whose registers are behind the ports 0x70 and 0x71. It goes by that for
# how long it has slept.
set_clock() { # NAME HOUR:MINUTE
	monitor "$1" "$(printf 'o /b 0x70 %d\ni /b 0x71\no /b 0x71 0x%s\n' 4 "${2%:*}" 2 "${2#*:}")"
}
answers() { "$ASK" "$TMP/$1" "$(secs 1)" true; } # NAME
wake() { monitor "$1" system_wakeup && wait_for "$BOOT_TIME" answers "$1"; } # NAME

# What it says of itself, when something has failed.
machine_diag() { # NAME
	diag "$(guest "$1" 'systemctl --failed --no-legend; journalctl -b -p notice --no-pager | tail -n 40')"
	diag "$(tail -n 20 "$TMP/$1.console" | tr -d '\r')"
}

# --- phases ---------------------------------------------------------------

phase() { # NAME
	perl -e '
		socket(my $s, 17, 3, 0) or die "socket: $!";
		my $to = pack("S n i S C C a8", 17, 0x88b5, $ARGV[0], 0, 0, 6, "");
		send($s, ("\xff" x 6) . ("\2" . "\0" x 5) . "\x88\xb5" . "phase $ARGV[1] " . " " x 60, 0, $to)
			or die "send: $!"' "$(cat /sys/class/net/wire/ifindex)" "$1" || bail "phase $1"
}

# The number of the frame that begins a phase.
mark_of() { # NAME PHASE
	tshark -r "$TMP/$1.pcap" -Y "eth.type == 0x88b5 && frame contains \"phase $2 \"" -T fields -e frame.number \
		2>/dev/null | tail -n 1
}
# frames NAME FROM TO FILTER: those between two marks, or since one of them if the machine is "off" by
# now, as tshark prints them.
frames() {
	local from to
	from=$(mark_of "$1" "$2") to=999999999
	[ "$3" = off ] || to=$(mark_of "$1" "$3")
	[ -n "$from" ] && [ -n "$to" ] || { echo "no phase from $2 to $3 in the capture of $1"; return; }
	tshark -n -r "$TMP/$1.pcap" -Y "frame.number > $from && frame.number < $to && ($4)" 2>/dev/null
}

# What the driver does not judge, and what it lets pass in each of its modes: ARP, neighbour and
# router discovery, multicast listener discovery, DHCP; and the marks.
HARMLESS='arp || eth.type == 0x88b5 || (icmpv6.type >= 130 && icmpv6.type <= 137) || icmpv6.type == 143
	|| (udp.srcport == 68 && udp.dstport == 67) || (udp.srcport == 546 && udp.dstport == 547)'
HARMLESS=$(tr -d '\n\t' <<<"$HARMLESS")
leaks() { # NAME FROM TO [ALLOWED-TOO]
	frames "$1" "$2" "$3" "eth.src == ${MACHINE_MAC[$1]} && !($HARMLESS)${4:+ && !($4)}"
}
# no_leak TEST NAME FROM TO [ALLOWED-TOO]: and the peer sent something meanwhile, that there was a wire
no_leak() {
	local test=$1 found
	shift
	found=$(leaks "$@")
	if [ -z "$found" ] && [ -n "$(frames "$1" "$2" "$3" "eth.src != ${MACHINE_MAC[$1]} && !eth.type == 0x88b5" | head -n 1)" ]; then
		ok "$test"
		return
	fi
	not_ok "$test"
	diag "$(head -n 10 <<<"${found:-the peer sent nothing}")"
}
