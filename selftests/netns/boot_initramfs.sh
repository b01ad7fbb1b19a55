#!/bin/bash
# SPDX-License-Identifier: MIT
# The driver in the initramfs: when, and what becomes of a machine that cannot load it. systemctl,
# update-initramfs and the initramfs's panic are played here.
# check: tiers=uml timeout=400
. "$TOP/selftests/lib.sh"

LIB=/usr/lib/ipsec-policy
SHARE=/usr/share/initramfs-tools
CONF=/etc/modprobe.d/ipsec-policy.conf
kernel=$(uname -r)

need mkdir -p $LIB /etc/ipsec-policy /var/lib/ipsec-policy "/lib/modules/$kernel/updates" /scripts "$TMP/bin"
need cp "$TOP/userland/boot/initramfs" "$TOP/userland/boot/driver.sh" $LIB/
need cp "$TOP/userland/initramfs/init-top" $SHARE/scripts/init-top/ipsec-policy
need cp "$IPD_MODULE" "/lib/modules/$kernel/updates/"
need depmod
cat >"$TMP/bin/systemctl" <<END
#!/bin/sh
cat $TMP/start-type
END
cat >"$TMP/bin/update-initramfs" <<END
#!/bin/sh
echo "\$*" >>$TMP/updated
[ ! -e $TMP/meanwhile ] || mv $TMP/meanwhile $CONF
END
chmod 755 "$TMP/bin/"*
export PATH=$TMP/bin:$PATH

# --- when ------------------------------------------------------------------

wanted() { # START-TYPE [SETTING]
	echo "$1" >"$TMP/start-type"
	echo "${2-}" >/etc/ipsec-policy/initramfs.conf
	$LIB/initramfs wanted
}
refuse "not wanted without a network there" wanted enabled
check "wanted where somebody says so" wanted enabled INITRAMFS=yes
refuse "D04 not wanted while the agent is disabled" wanted disabled INITRAMFS=yes
need touch $SHARE/hooks/dropbear
chmod 644 $SHARE/hooks/dropbear
check "wanted with dropbear" wanted enabled
refuse "not wanted where somebody says so" wanted enabled INITRAMFS=no
rm $SHARE/hooks/dropbear
need mkdir -p /etc/initramfs-tools/conf.d
echo 'IP=dhcp' >/etc/initramfs-tools/conf.d/network
check "wanted with an address in its configuration" wanted enabled
rm /etc/initramfs-tools/conf.d/network

# --- follows ---------------------------------------------------------------

updates() { # NAME WANTED-COUNT START-TYPE SETTING
	echo "$3" >"$TMP/start-type"
	echo "$4" >/etc/ipsec-policy/initramfs.conf
	$LIB/initramfs update
	same "$1" "0 $2" "$? $(wc -l <"$TMP/updated")"
}
: >"$TMP/updated"
echo 'options ipsecdrv startup_mode=stateful' >$CONF
updates "what is not wanted is not made" 0 enabled INITRAMFS=no
updates "wanted now: made" 1 enabled INITRAMFS=yes
updates "nothing has changed: not made again" 1 enabled INITRAMFS=yes
echo 'options ipsecdrv startup_mode=block boot_exempt=ICMP:inbound' >$CONF
updates "D12 other options: made again" 2 enabled INITRAMFS=yes
echo 'options ipsecdrv startup_mode=block boot_exempt=ICMP:inbound' >"$TMP/meanwhile"
echo 'options ipsecdrv startup_mode=stateful' >$CONF
updates "D12 other options, and others yet while it is made: made twice" 4 enabled INITRAMFS=yes
updates "D12 with the last of them" 4 enabled INITRAMFS=yes
printf '%s\n' 'options ipsecdrv startup_mode=block # a\b\n' >$CONF
updates "whatever is in the options, made once" 5 enabled INITRAMFS=yes
updates "and not again" 5 enabled INITRAMFS=yes
echo 'options ipsecdrv startup_mode=block boot_exempt=ICMP:inbound' >$CONF
updates "D03 disabled: made again, without it" 6 masked INITRAMFS=yes
# no room, or no way to write
rm /var/lib/ipsec-policy/initramfs
need mkdir /var/lib/ipsec-policy/initramfs
echo enabled >"$TMP/start-type"
refuse "that it was made cannot be kept: it fails, for the next start to do it again" \
	timeout "$(secs 10)" $LIB/initramfs update
same "and was made once" 7 "$(wc -l <"$TMP/updated")"
rmdir /var/lib/ipsec-policy/initramfs
same "for all kernels" "-u -k all" "$(sort -u "$TMP/updated")"

echo 'INITRAMFS=yes' >/etc/ipsec-policy/initramfs.conf

# --- and there -------------------------------------------------------------

cat >/scripts/functions <<END
panic() { echo "\$*" >$TMP/panic; }
END
starts() { rm -f "$TMP/panic"; sh "$SHARE/scripts/init-top/ipsec-policy"; }
check "D12 it is loaded there" starts
same "with its options" "block ICMP:inbound" \
	"$(cd /sys/module/ipsecdrv/parameters && cat startup_mode boot_exempt | paste -s -d ' ')"
need ipdtool mode permit
unload_module
echo 'options ipsecdrv startup_mode=open' >$CONF
check "with options that it does not take it is loaded, too" starts
same "in the mode block" block "$(cat /sys/module/ipsecdrv/parameters/startup_mode)"
need ipdtool mode permit
unload_module
need rm "/lib/modules/$kernel/updates/ipsecdrv.ko"
need depmod
check "no driver, nothing to protect" starts
check "it goes on" not test -e "$TMP/panic"
: >/etc/ipsec-policy/protect
check "no driver, something to protect" starts
check "it stops, and says how to start without" grep -q module_blacklist=ipsecdrv "$TMP/panic"

check_world
finish
