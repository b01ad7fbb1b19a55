#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml timeout=300
#
# What the agent's log says of dropped packets: switched on, used and switched off by ipsecctl.
#
#   A 192.0.2.1 ------- B 192.0.2.2        only A has a policy
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

said() { service_log A ipsec-policy-agent | grep -Eq "$1"; } # PATTERN
says() { service_log A ipsec-policy-agent | grep -Ec "$1"; } # PATTERN: how often
dropped() { ctl A --json dynamic show stats | jq -r ".. | .[\"$1\"]? // empty" | head -n 1; } # REASON
has_dropped() { [ "$(dropped "$1")" -ge "$2" ]; }
bad_spi() { on B perl -e 'print pack("NN", 0x12345678, 1), "x" x 40' | on B socat -u - IP4-SENDTO:$A4:50; }

hosts_up
check "N03 A blocks what B sends to port 445" ctl A dynamic add rule srcaddr=me dstaddr=$B4 \
	protocol=udp srcport=445 actioninbound=block actionoutbound=block
send() { on B socat -u - UDP:$A4:445,sourceport=40000 <<<"$1"; }

send first
wait_for 10 has_dropped filter-block 1
bad_spi
wait_for 10 has_dropped bad-spi 1
# the agent has read everything of the driver by the time that it answers a second call
need ctl A dynamic show config
same "D32 by default the log says nothing of it" 0 "$(says 'packets? dropped')"

check "D31 N20 level 7 is set" ctl A dynamic set config ipsecdiagnostics 7
send second
check "D31 a dropped packet appears in the log" wait_for 20 said \
	"peer 192\.0\.2\.2: inbound packet dropped: filter-block \(UDP from 192\.0\.2\.2 port 40000 to 192\.0\.2\.1 port 445, eth0, 35 bytes, filter [0-9]+\)"
check "D31 with what can be done" said 'filter-block .*If it is not meant, delete the rule'
bad_spi
check "D31 so does one with a bad SPI" wait_for 20 said \
	'peer 192\.0\.2\.2: inbound packet dropped: bad-spi \(.*SPI 0x12345678'
on A socat -u - UDP:$B4:9,sourceport=445 <<<"out"
check "D31 and one that was to leave" wait_for 20 said 'peer 192\.0\.2\.2: outbound packet dropped: filter-block'

check "L12 level 1 is set" ctl A dynamic set config ipsecdiagnostics 1
check "L12 the end of the interval has a summary" wait_for 20 said \
	'peer 192\.0\.2\.2: 1 packets dropped in [0-9]+ s: bad-spi\. No security association has its SPI\.'
was=$(says 'bound packet dropped')
send third
wait_for 10 has_dropped filter-block 4
bad_spi
wait_for 10 has_dropped bad-spi 3
check "L12 the interval ends" ctl A dynamic set config ipsecloginterval 60
check "L12 and is told of" wait_for 20 eval '[ "$(says "packets dropped in")" = 2 ]'
same "D33 level 1 has no records" "$was" "$(says 'bound packet dropped')"

# --- over a restart -----------------------------------------------------------------
stop A-ipsec-policy-agent KILL
on A ipdtool diag 0 3600
service A ipsec-policy-agent
check "D31 L12 the agent sets what is configured when it starts" wait_for 30 eval \
	'on A ipdtool status | grep -q "diag=1 interval=60"'
check "D32 level 0 is set" ctl A dynamic set config ipsecdiagnostics 0
check "D32 and in force" eval 'on A ipdtool status | grep -q diag=0'
check_world
finish
