#!/bin/bash
# SPDX-License-Identifier: MIT
# ipsec-policy-boot.service's program: what the driver starts with, by the agent's start type and its
# options, and what stands in for a driver that cannot be loaded. systemctl is played here; the driver,
# modprobe and nft are real ones.
# check: tiers=uml timeout=600
#
#   [A] eth0 192.0.2.1 --- 192.0.2.2 eth0 [B]     the initial namespace is A
. "$TOP/selftests/lib.sh"

BOOT=$TOP/userland/boot/boot
CONF=/etc/modprobe.d/ipsec-policy.conf
PARAMETERS=/sys/module/ipsecdrv/parameters
RELEASE=$(command -v ipsec-policy-release) || bail "ipsec-policy-release is built"

# As installed: the program beside its helper, the module where modprobe looks.
mkdir -p "$TMP/bin" "$TMP/lib" /run/calls
need cp "$BOOT" "$RELEASE" "$TOP/userland/boot/driver.sh" "$TMP/lib/"
need mkdir -p "/lib/modules/$(uname -r)/updates"
need cp "$IPD_MODULE" "/lib/modules/$(uname -r)/updates/"
need depmod
cat >"$TMP/bin/systemctl" <<'END'
#!/bin/sh
case $1 in
is-enabled) cat /run/calls/start-type ;;
*) echo "$*" >>/run/calls/systemctl ;;
esac
END
chmod 755 "$TMP/bin/systemctl"
boot() { PATH=$TMP/bin:$PATH "$TMP/lib/boot"; }

# The driver as if the machine had just been switched on.
power_off() {
	! module_loaded || { ipsec-policy-release; need modprobe -r ipsecdrv; }
	nft flush ruleset
	rm -f /run/calls/systemctl "$CONF"
}
power_on() { # START-TYPE [OPTIONS-FILE-LINE...]
	power_off
	echo "$1" >/run/calls/start-type
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >"$CONF"
	boot 2>"$TMP/said"
}
mode() { cat $PARAMETERS/startup_mode; }
starts_in() { # NAME MODE START-TYPE [LINE...]
	local name=$1 wanted=$2
	shift 2
	power_on "$@"
	same "$name" "0 $wanted" "$? $(mode)"
}

# --- the table of start types ---------------------------------------------

BLOCK='options ipsecdrv startup_mode=block boot_exempt=TCP:0:22:inbound exempt=0 diag=7 log_interval=60'
starts_in "D02 automatic, nothing was ever written: permit" permit enabled
starts_in "D05 automatic, stateful is written" stateful enabled "${BLOCK/block/stateful}"
starts_in "D09 D12 D13 automatic, block is written by hand" block enabled "$BLOCK"
same "D11 D28 D34 the other options are the driver's, too" "TCP:0:22:inbound 0 7 60" \
	"$(cd $PARAMETERS && cat boot_exempt exempt diag log_interval | paste -s -d ' ')"
starts_in "D03 disabled, block is written: permit" permit masked "$BLOCK"
starts_in "D04 manual, block is written: permit" permit disabled "$BLOCK"
starts_in "D01 the agent is not asked for what the driver needs" permit disabled
starts_in "who cannot be asked is enabled" block '' "$BLOCK"
starts_in "options that the driver does not take: block" block enabled \
	'options ipsecdrv startup_mode=open'
check "and it is said" grep -q 'does not take its options' "$TMP/said"
starts_in "the same, and the agent is disabled: permit" permit disabled \
	'options ipsecdrv startup_mode=open'

# --- the initramfs had other options --------------------------------------

again_in() { # NAME MODE LOADED-MODE START-TYPE [LINE...]: the initramfs has loaded the driver
	local name=$1 wanted=$2 loaded=$3
	shift 3
	power_off
	need modprobe ipsecdrv "startup_mode=$loaded"
	echo "$1" >/run/calls/start-type
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >"$CONF"
	boot 2>"$TMP/said"
	same "$name" "0 $wanted" "$? $(mode)"
}
again_in "D03 the initramfs has stateful, the agent is disabled since: permit" permit stateful masked
again_in "the initramfs has permit, block is written since: block" block permit enabled "$BLOCK"
again_in "the initramfs has block, stateful is written since: block will do" block block enabled \
	"${BLOCK/block/stateful}"
power_off
need modprobe ipsecdrv startup_mode=block
need ipdtool mode secure
echo masked >/run/calls/start-type
boot
same "what an agent has taken over is left alone" "0 block mode=secure" "$? $(mode) $(ipdtool status | grep -o 'mode=[^ ]*')"
need ipdtool mode permit

# --- no driver ------------------------------------------------------------

need ip link add eth0 type veth peer name peer0
ns_add B
need ip link set peer0 netns "$B" name eth0
need ip link set eth0 up
need ip addr add 192.0.2.1/24 dev eth0
need ip -n "$B" link set eth0 up
addr B eth0 192.0.2.2/24
reach() { ping -c 1 -W "$(secs 1)" 192.0.2.2; }
unbuilt() {
	power_off
	mv "/lib/modules/$(uname -r)/updates/ipsecdrv.ko" "$TMP/"
	depmod
}
built() {
	mv "$TMP/ipsecdrv.ko" "/lib/modules/$(uname -r)/updates/"
	depmod
}
fails() { ! power_on "$@"; }

check "packets pass before" reach
unbuilt
check "without a driver and without policy the start fails" fails enabled
check "and says what to do" grep -q 'linux-headers-.*dkms autoinstall' "$TMP/said"
check "packets pass: there was nothing to protect" reach
check "without a driver, the agent disabled" fails disabled "$BLOCK"
check "packets pass: nothing was to be protected" reach
check "without a driver and with boot mode block" fails enabled "$BLOCK"
refuse "nothing leaves" reach
refuse "nothing comes in" on B ping -c 1 -W "$(secs 1)" 192.0.2.1
check "loopback passes" ping -c 1 -W "$(secs 1)" 127.0.0.1
spawn listener nc -l -k 22
spawn other nc -l -k 23
check "D11 a boot exemption passes" wait_for 5 on B nc -z -w 1 192.0.2.1 22
refuse "and no other port" on B nc -z -w 2 192.0.2.1 23
check "without a driver and with stored policy" fails enabled '# policy=assigned sum=0' \
	'options ipsecdrv startup_mode=permit'
refuse "nothing leaves, whatever the boot mode" reach
mkdir -p "$TMP/nonft"
printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/nft"
chmod 755 "$TMP/bin/nft"
check "without a driver and without nft" fails enabled "$BLOCK"
same "no network is started" "--no-block isolate emergency.target" "$(cat /run/calls/systemctl)"
rm "$TMP/bin/nft"
fails enabled "$BLOCK"
built
same "when it is built the driver protects, and the fence goes" "0 block " \
	"$(boot 2>/dev/null; echo "$? $(mode) $(nft list tables)")"

check_world
power_off
finish
