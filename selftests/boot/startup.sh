#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=500
#
# One machine, as a new user installs it, and what its driver starts with: by the start type of the
# agent, stored policy, boot mode; then the agent. Each power-on is a row of the table in
# ipsec-policy-boot.service(8), or a persistent store that is good, damaged, missing:
#
#   fresh      automatic, no policy                     permit
#   stateful   automatic, policy, no boot mode          stateful; the agent comes late
#   damaged    the same, the persistent store damaged   stateful, then block for good
#   missing    that store gone, block by hand           block; the agent comes late
#   manual     the agent is started by hand             permit
#   disabled   it is not started                        permit
#
# "automatic, no policy, boot mode set" is how B starts in capture.sh.
#
#   H 192.0.2.1 wire ------ eth0 A 192.0.2.10
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"

A4=${MACHINE_ADDRESS[A]} MAC=${MACHINE_MAC[A]}
AGENT=ipsec-policy-agent
OPTIONS=/etc/modprobe.d/ipsec-policy.conf
STORES=/var/lib/ipsec-policy
OAKLEY=/var/log/ipsec-policy/oakley.log
HELD=/etc/systemd/system/$AGENT.service.d/held.conf

# how the driver began, its mode; the agent's start type, whether it runs
state() {
	local said
	said=$(guest A "ipdtool status; systemctl is-enabled $AGENT; systemctl is-active $AGENT")
	echo "$(field startup "$said") $(field mode "$said") $(tail -n +2 <<<"$said" | xargs)"
}
mode_is() { [ "$(field mode "$(guest A ipdtool status)")" = "$1" ]; }
filters() { guest A ipdtool list | grep -c '^id='; }
blocks() { guest A ipdtool list | grep -Eq "^id=.*proto=6 lport=$1 .*in=block"; } # PORT
written() { guest A "sed -n 's/^options ipsecdrv.* startup_mode=\([a-z]*\).*/\1/p' $OPTIONS"; }
has_event() { guest A "journalctl -b -q -n 1 $*" | grep -q .; } # MATCH...
restarted() { guest A "systemctl restart $AGENT"; }

# what the machine serves, in every boot: TCP, and datagrams of each kind
serve() {
	guest A "cat >/etc/systemd/system/served.service <<-'END'
		[Service]
		ExecStart=/bin/bash -c 'for port in 23 24 25 26; do \
			socat -t 20 TCP-LISTEN:\$\${port},fork,reuseaddr SYSTEM:\"echo served\" & done; \
			exec socat -u UDP4-RECV:7777,ip-add-membership=224.1.2.3:eth0 CREATE:/run/heard'
		[Install]
		WantedBy=multi-user.target
		END
		systemctl enable --now served" && wait_for 10 guest A 'ss -Hlun sport = :7777 | grep -q .'
}
telnet() { tcp H "$A4" 23; }
no_telnet() { no_tcp H "$A4" 23; }
ssh_answers() {
	on H socat -t 20 -T 20 - "TCP:$A4:22,connect-timeout=$(secs 2)" </dev/null | grep -q '^SSH-2'
}
all_kinds() { # TEXT: to the host, its subnet's broadcast address, all, a group
	udp H "$A4" 7777 "$1-host"
	on H socat -u - UDP4-DATAGRAM:192.0.2.255:7777,broadcast <<<"$1-subnet"
	on H socat -u - UDP4-DATAGRAM:255.255.255.255:7777,broadcast,so-bindtodevice=wire <<<"$1-all"
	on H socat -u - "UDP4-DATAGRAM:224.1.2.3:7777,ip-multicast-if=$H4" <<<"$1-group"
}
heard() { guest A "grep -c $1 /run/heard"; } # TEXT
hears_all() { [ "$(heard "$1")" = 4 ]; }     # TEXT

ping_out() { guest A "ping -c 1 -W $(secs 1) $H4"; }
tcp_out() { [ "$(guest A "socat -t 20 -T 20 - TCP:$H4:80,connect-timeout=$(secs 2) </dev/null")" = served ]; }
no_ping_out() { ! guest A "ping -c 1 -W 2 $H4"; }
no_tcp_out() { ! guest A "socat -T 1 - TCP:$H4:80,connect-timeout=2 </dev/null"; }
udp_out() { [ "$(guest A "echo question | socat -t 20 -T 20 - UDP4:$H4:7000")" = question ]; }

# what the agent said of its start, in its order: layers and modes
order() {
	guest A "journalctl -b -u $AGENT -o cat" | sed -n 's/^driver is in \(.*\) mode$/\1/p
		s/^persistent policy applied.*/persistent/p; s/^persistent local .*policy applied.*/local/p' | xargs
}

# the next boots are without the agent until it is let go
hold() { guest A "mkdir -p ${HELD%/*}; printf '[Unit]\nConditionPathExists=/run/go\n' >$HELD"; }
go() { guest A "touch /run/go; systemctl start $AGENT"; }

boots() { # PHASE: from before power-on until systemd is done
	power_on A
	phase "$1"
	check "$1: A boots" eval 'booting A && booted A' || { machine_diag A; bail "$1: A boots"; }
}
ends() { check "and it is powered off" power_off A; }

wire_up
serve_tcp tcp-H H 80
spawn echo socat -t 20 -T 30 UDP4-RECVFROM:7000,fork SYSTEM:cat
wait_for 10 listens_udp H 7000

# --- fresh: the row "automatic, never, not set" ------------------------------------------------
boots fresh
same "D02 A32 a fresh installation: permit, then the agent with nothing to protect" \
	"startup-permit secure enabled active" "$(state)"
same "A32 nothing is in the driver" 0 "$(filters)"
need serve
check "D02 everything passes: in" eval 'pings H $A4 && telnet'
check "D02 and out" eval 'ping_out && tcp_out && udp_out'
check "A24 L06 the agent has started (613)" has_event IPD_EVENT=613
check "L06 the driver has started in permit (4295)" has_event IPD_EVENT=4295
check "L06 D15 and is in secure mode (4294)" has_event IPD_EVENT=4294
check "L07 ipsec-ike has entries of its own" eval \
	'guest A "journalctl -b -u ipsec-ike -o cat" | grep -q "connected to the policy agent"'
for command in "dynamic set config property=mode value=permit" "dynamic set mode permit" "set mode permit"; do
	refuse "D19 no command sets the mode: $command" guest A ipsecctl "$command"
done

check "A17 the README's first policy" guest A "set -e; $(readme_block policy)"
check "A17 is in the driver" blocks 23
check "D15 it is enforced" no_telnet
check "D15 and nothing else is" pings H "$A4"
check "A24 L06 policy was applied (615)" has_event IPD_EVENT=615
same "D05 from now on it starts in stateful" stateful "$(written)"
need guest A 'ipsecctl static set policy name=First assign=no'
same "D21 no policy is assigned: no filter, and secure mode" "0 secure" \
	"$(filters) $(field mode "$(guest A ipdtool status)")"
check "D21 nothing is protected" telnet
same "D02 and it would start in permit" permit "$(written)"

# What it has by the next start: local policy again, also for what the machine says by itself; ipseccmd's
# rule; persistent policy, which waits; a rule of the dynamic context, for which there is IKE.
need guest A 'ipsecctl -f - <<-END
	static add filter filterlist=chatter srcaddr=me dstaddr=any protocol=udp dstport=7001
	static add filter filterlist=chatter srcaddr=me dstaddr=any protocol=tcp dstport=7001
	static add rule name=chatter policy=First filterlist=chatter filteraction=Block
	static set policy name=First assign=yes
	END'
check "A20 ipseccmd makes a rule" guest A "ipseccmd -f '[*+0:25:tcp]'"
check "A20 it is in the driver" blocks 25
need guest A 'ipsecctl -f - <<-END
	static set store location=persistent
	static add policy name=base activatedefaultrule=no
	static add filter filterlist=base srcaddr=any dstaddr=me protocol=tcp dstport=24
	static add filteraction name=block action=block
	static add rule name=base policy=base filterlist=base filteraction=block
	static set policy name=base assign=yes
	dynamic set config ikelogging 1
	dynamic add rule any me mirrored=yes protocol=tcp dstport=26 actioninbound=block actionoutbound=block
	dynamic add mmpolicy name=lab mmsecmethods=AES128-SHA256-14
	dynamic add qmpolicy name=lab qmsecmethods="ESP[AES128,SHA256]:100000k/3600s"
	dynamic add rule srcaddr=me dstaddr=192.0.2.77 mmpolicy=lab qmpolicy=lab psk="a long and secret phrase"
	END'
refuse "A11 persistent policy waits" blocks 24
check "A18 a dynamic rule is in the driver" blocks 26
need guest A 'ping -c 1 -W 1 192.0.2.77; true'
check "L08 IKE has its log" wait_for 5 guest A "grep -q 'sent main mode' $OAKLEY"

# X06: a service that is part of the agent's, as ipsec-policy(7) has it
need guest A "mkdir /etc/systemd/system/vpn.service.d
	printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/vpn.service
	cat >/etc/systemd/system/vpn.service.d/override.conf <<-'END'
	$(sed -n '/^# systemctl edit/,/^\.Ed/{//d;p}' "$TOP/Documentation/man/ipsec-policy.7")
	END
	systemctl daemon-reload && systemctl start vpn && systemctl show -P InvocationID vpn >/run/vpn-was"
lines=$(guest A "wc -l <$OAKLEY")
check "A33 the service is restarted" restarted
check "A11 A33 persistent policy is in force" blocks 24
check "A33 beside the local one and ipseccmd's" eval 'blocks 23 && blocks 25'
refuse "A18 the dynamic rule is gone" blocks 26
check "A19 what was set is kept" guest A "ipsecctl dynamic show config | grep -iq 'IKE *logging *: *1'"
check "L09 the log of before is kept" [ "$(guest A "wc -l <$OAKLEY.sav")" -ge "$lines" ]
check "A24 L06 that it stopped is in the log (614)" has_event IPD_EVENT=614
check "X06 the VPN service was restarted, too" guest A \
	'systemctl is-active vpn && [ "$(systemctl show -P InvocationID vpn)" != "$(cat /run/vpn-was)" ]'
check "D11 N24 the README's boot exemptions" guest A "$(readme_block boot)"
need guest A 'ipsecctl dynamic set config ipsecdiagnostics 7'
need hold
ends

# --- stateful: the row "automatic, assigned, not set" -------------------------------------------
boots stateful
same "D05 policy, no boot mode, the agent not yet there: stateful" \
	"startup-stateful startup-stateful enabled inactive" "$(state)"
check "D06 D07 a ping out is answered" ping_out
check "D06 D07 a connection out" tcp_out
check "D06 D07 a datagram out" udp_out
check "D07 D14 flows are remembered" [ "$(field stateful "$(guest A ipdtool status)")" -ge 2 ]
check "D07 D08 a ping in is not answered" no_ping H "$A4"
check "D07 no connection in, whatever policy says of it" eval 'no_telnet && no_tcp H "$A4" 26'
check "D11 N24 but by the boot exemption" ssh_answers
all_kinds during
check "D34 what is dropped is in the kernel's log" wait_for 10 guest A \
	"dmesg | grep 'ipsecdrv: inbound packet dropped: startup.* from $H4 .*port 7777' | grep -q 'to 224.1.2.3'"
same "D08 nothing that came unasked has been heard" 0 "$(heard during)"
same "D08 nor answered" '' "$(frames A stateful off "eth.src == $MAC && (tcp.srcport in {23, 26} || icmp.type in {0, 3})")"

check "the agent comes" go
same "D14 D15 secure mode; what it began in stays; no flow is remembered" "startup-stateful secure enabled active 0" \
	"$(state) $(field stateful "$(guest A ipdtool status)")"
all_kinds after
check "D14 datagrams are heard" wait_for 10 hears_all after
check "A20 ipseccmd's rule is there" blocks 25
check "A09 A10 beside the persistent and the local policy" eval 'blocks 24 && blocks 23'

same "D20 in this order, says the log" "startup-stateful persistent secure local" "$(order)"
check "D16 the service is stopped" guest A "systemctl stop $AGENT"
same "D16 A02 permit mode, and no filters" "startup-stateful permit enabled inactive 0" "$(state) $(filters)"
check "D16 A02 all is in clear" telnet
check "X06 the VPN service was stopped, too" guest A '[ "$(systemctl is-active vpn)" = inactive ]'
check "L06 the mode is in the log (4293)" has_event IPD_EVENT=4293

# The store as a bad disk leaves it: its head is right, the rest is not.
damage() {
	guest A "cd $STORES && rm -f persistent.db-* && dd if=/dev/urandom of=persistent.db bs=4096 seek=1 \
		count=\$((\$(stat -c %s persistent.db) / 4096 - 1)) conv=notrunc status=none"
}
need damage
need guest A "rm $HELD; systemctl enable chatter"
ends

# --- damaged: block mode, and from power-on until it is off nothing ------------------------------
# Somebody knocks all the time, at the port of the boot exemption and elsewhere.
spawn ping ping -q -i 0.1 "$A4"
spawn knock bash -c 'while :; do for port in 22 23; do
	socat -u /dev/null "TCP:$0:$port,connect-timeout=1"; done; sleep 0.2; done' "$A4"
boots damaged
same "D17 D18 it began as before, and is in block mode" "startup-stateful block enabled active" "$(state)"
check "D17 L06 which is in the log (4292)" has_event IPD_EVENT=4292
check "D17 nothing leaves" eval 'no_ping_out && no_tcp_out'
check "D17 nothing comes in, the boot exemption is none any more" eval \
	'no_ping H "$A4" && no_telnet && ! ssh_answers'
check "D17 status says what to do" eval \
	'guest A ipsecctl status | tr -s "\n " " " | grep -q "^! The persistent policy is not in force.*persistent.db"'
need guest A "rm $STORES/persistent.db*"
check "D17 A11 the store is gone: that is for the next start" mode_is block
need hold
need guest A "sed -i 's/startup_mode=stateful/startup_mode=block/' $OPTIONS"
ends
stop knock
no_leak "D17 D35 nothing has left from power-on until it was off" A damaged off

# --- missing: the row "automatic, any, block"; by hand, and the agent comes late ------------------
boots missing
same "D13 D09 the file has been changed, no more: block" "startup-block startup-block enabled inactive" "$(state)"
check "D09 nothing leaves" eval 'no_ping_out && no_tcp_out'
check "D09 nothing comes in" eval 'no_ping H "$A4" && no_telnet'
check "D11 but what TCP 22 exempts" ssh_answers
check "D10 A has its address by DHCP" guest A "ip -4 -o addr show dev eth0 dynamic | grep -q 'inet $A4/'"
acknowledged() { frames A missing off "dhcp.option.dhcp == 5 && dhcp.hw.mac_addr == $MAC"; }
more_acknowledged() { [ "$(acknowledged | wc -l)" -gt "$1" ]; } # THAN
renewed() {
	local was
	was=$(acknowledged | wc -l)
	guest A 'networkctl renew eth0' && wait_for 10 more_acknowledged "$was" &&
		[ -n "$(frames A missing off "dhcp.option.dhcp == 3 && ip.src == $A4")" ]
}
check "D10 and renews it, through IP" renewed
for way in "inbound.* from $H4 port [0-9]* to $A4 " "outbound.* from $A4 port [0-9]* to $H4 port 7001"; do
	check "D34 drops are in the kernel's log, ${way%%.*}" wait_for 10 guest A \
		"dmesg | grep 'ipsecdrv: .*packet dropped: startup' | grep -q '$way'"
done
phase late
no_leak "D09 D11 D35 nothing has left but what TCP 22 exempts" A missing late "tcp.srcport == 22"
check "the agent comes" go
same "D15 secure mode" "startup-block secure enabled active" "$(state)"
check "local policy is enforced" eval 'blocks 23 && no_telnet'
refuse "the persistent one is gone" blocks 24
check "D14 and all else passes" eval 'pings H "$A4" && ping_out && tcp_out'
need guest A "rm $HELD; systemctl disable $AGENT"
ends
no_leak "D35 of what policy blocks nothing has left until it was off" A missing off \
	"!(tcp.port == 7001 || udp.port == 7001)"

# --- manual, disabled: permit, whatever is stored and set -----------------------------------------
boots manual
same "D04 manual: permit, though block is set and policy assigned" "startup-permit startup-permit disabled inactive" \
	"$(state)"
same "D04 which they still are" block "$(written)"
check "D04 everything passes" eval 'pings H "$A4" && telnet && ping_out && tcp_out'
check "D04 what policy would block leaves" wait_for 10 eval \
	'[ -n "$(frames A manual off "eth.src == $MAC && udp.dstport == 7001" | head -n 1)" ]'
check "D04 the agent is started by hand" guest A "systemctl start $AGENT"
same "D04 D15 secure mode" "startup-permit secure disabled active" "$(state)"
check "D15 policy is enforced" no_telnet
check "D12 the boot mode is set by command" guest A 'ipsecctl dynamic set config bootmode stateful'
same "D13 what somebody had written is kept" "stateful block" \
	"$(written) $(guest A "sed -n 's/^options ipsecdrv.* startup_mode=\([a-z]*\).*/\1/p' $OPTIONS.old")"
need guest A "systemctl mask $AGENT"
ends

boots disabled
same "D03 disabled: permit" "startup-permit startup-permit masked inactive" "$(state)"
check "D03 everything passes" eval 'pings H "$A4" && telnet && ping_out && tcp_out'
guest A 'ipsecctl status' >"$TMP/status"
check "D01 the driver is there, and tells its mode without the agent" \
	grep -Eq 'Driver Mode +: startup-permit' "$TMP/status"
refuse "D03 the agent is not started" guest A "systemctl start $AGENT"
finish
