#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=none also=boot timeout=900
#
# A machine that is upgraded while it talks all the time: what policy blocks or secures never leaves in
# clear, and the driver has its filters at every moment. The package of the programs alone, and no new
# initramfs: what DKMS and initramfs-tools do with the driver's, packages.sh shows in less time.
#
#   H 192.0.2.1 wire ------ eth0 A 192.0.2.10   blocks port 7001, secures TCP 80, by hand blocks TCP 26
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"
. "$TOP/selftests/release.sh"

A4=${MACHINE_ADDRESS[A]}
AGENT=ipsec-policy-agent

ids() { guest A ipdtool list | sed -n 's/^\(id=[0-9]*\) .*/\1/p' | sort | xargs; }
pid_of() { guest A "systemctl show -p MainPID --value $1"; } # SERVICE
blocks() { guest A ipdtool list | grep -Eq "^id=.*proto=6 .*rport=$1 out=block"; } # PORT
version() { guest A "dpkg-query -W -f '\${Version}' ipsec-policy"; }
upgraded() { guest A 'systemctl show -p SubState --value upgrade' | grep -qxE 'exited|failed'; }
restarted() { ! guest A 'journalctl -u upgrade -o cat' | grep 'Could not execute'; }
# Every moment that was looked at: mode, and number of filters.
moments() { guest A 'sort /run/moments | uniq -c'; }

need next_release "$TOP/build/deb" "$TMP/next"
need tar -C "$TMP/next" -cf "$TMP/next.tar" --transform='s/.*/next.deb/' "$(cd "$TMP/next" && echo ipsec-policy_*)"
need truncate -s %1M "$TMP/next.tar" # a disk has whole sectors

wire_up
serve_tcp tcp-H H 80
spawn chatter "$TOP/scripts/guest/machine/chatter" wire "$A4"
power_on A -drive "file=$TMP/next.tar,format=raw,if=virtio"
phase early
check "A boots" eval 'booting A && booted A' || { machine_diag A; bail "A boots"; }
need guest A 'ipsecctl -f - <<-END
	static add policy name=lab activatedefaultrule=no
	static add filter filterlist=chatter srcaddr=me dstaddr=any protocol=udp dstport=7001
	static add filter filterlist=chatter srcaddr=me dstaddr=any protocol=tcp dstport=7001
	static add filter filterlist=web srcaddr=me dstaddr=192.0.2.1 protocol=tcp dstport=80
	static add filteraction name=block action=block
	static add filteraction name=secure
	static add rule name=chatter policy=lab filterlist=chatter filteraction=block
	static add rule name=web policy=lab filterlist=web filteraction=secure psk=secret
	static set policy name=lab assign=yes
	dynamic add rule srcaddr=me dstaddr=192.0.2.1 protocol=tcp dstport=26 actioninbound=block actionoutbound=block
	END'
before=$(ids) pid=$(pid_of $AGENT) count=$(ids | wc -w)
check "policy is in the driver" [ "$count" -ge 4 ]
phase policy
need guest A 'systemctl enable --now chatter
	systemd-run -q --unit=web sh -c "while :; do socat -T 1 - TCP:192.0.2.1:80,connect-timeout=1 </dev/null; sleep 1; done"
	systemd-run -q --unit=moments sh -c "while sleep 0.5; do ipdtool status | grep -o \" mode=[a-z-]*\\| filters=[0-9]*\" |
		paste -s -d \" \"; done >/run/moments"'
need guest A 'echo update_initramfs=no >/etc/initramfs-tools/update-initramfs.conf'
need guest A 'systemd-run -q --unit=upgrade -p RemainAfterExit=yes sh -c "tar -xf /dev/vdb -C /run &&
	DEBIAN_FRONTEND=noninteractive apt-get -q -y install /run/next.deb"'
check "the upgrade ends" wait_for 120 upgraded
check "and systemd has restarted the agent when asked to" restarted || machine_diag A
same "the package is the next one" 0.2 "$(version)" ||
	diag "$(guest A 'journalctl -u upgrade -o cat | tail -n 30')"
need guest A 'systemctl stop moments'
same "the agent is another one" 1 "$([ "$(pid_of $AGENT)" != "$pid" ] && guest A "systemctl is-active $AGENT" | grep -c '^active')"
same "the filters are the same, with what was negotiated for them" "$before" "$(ids)"
same "at every moment the driver had them, in secure mode" "mode=secure filters=$count" \
	"$(guest A 'sort -u /run/moments' | xargs)" || diag "$(moments)"
check "there were many such moments" [ "$(guest A 'wc -l </run/moments')" -ge 30 ]
check "A18 the rule of the dynamic context has been handed over" blocks 26
check "the agent answers" guest A 'ipsecctl static show policy lab'
phase after
same "what policy secures was tried, and not sent" '' "$(frames A policy after 'tcp.dstport == 80 && ip.src == 192.0.2.10')"
check "A is powered off" power_off A
no_leak "nothing of it in clear" A policy off "icmp || udp.port == 500 || tcp.flags.reset == 1"
finish
