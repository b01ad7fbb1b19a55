#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# A packet that is authentic, but not what its association was negotiated for; SPIs that nobody
# has; associations that are gone; clear text beside all that.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

xfrm_topology
load_module

for family in 4 6; do
	address=A$family remote=B$family
	# the filter, and so the association, is for UDP to our port 7
	driver_up $family proto=17 lport=7
	if [ $family = 4 ]; then selector=$A4,$B4,17,7,0; else selector=$A6,$B6,17,7,0; fi
	both_up $family gcm128 none "sel=$selector"

	was=$(delivered_in $family) before=$(drop_snapshot)
	need wire B udp "${!address}" 7 30 2
	same "F24 IPv$family: what was negotiated arrives" "$((was + 2)) " \
		"$(delivered_in $family) $(drop_changes "$before")"
	need wire B udp "${!address}" 8 30 3
	same "F24 IPv$family: another port does not" "$((was + 2)) wrong-sa=3" \
		"$(delivered_in $family) $(drop_changes "$before")"
	refuse "F24 IPv$family: nor another protocol" on B ping -c 1 -W "$(secs 1)" "${!address}"
	same "F24 IPv$family: and it is counted" "wrong-sa=4" "$(drop_changes "$before")"
	same "F24 IPv$family: the numbers were used up all the same" 6 "$(sa_value in sequence)"

	# an association of another filter does not serve, either
	need on A ipdtool add id=2 out=negotiate in=negotiate proto=17 lport=8 \
		local="${!address}" remote="${!remote}"
	before=$(drop_snapshot)
	need wire B udp "${!address}" 8 30 1
	same "F24 IPv$family: nor a port of another filter" "wrong-sa=1" "$(drop_changes "$before")"
	need on A ipdtool del 2

	# in clear, what has to be secured
	need ip -n "$B" xfrm policy flush
	before=$(drop_snapshot)
	need wire B udp "${!address}" 7 30 1
	same "F25 IPv$family: in clear it does not arrive" "clear-text=1 $((was + 2))" \
		"$(drop_changes "$before") $(delivered_in $family)"
	need peer_down

	# an SPI that is not ours any more, and one that never was
	need peer_up $family gcm128 none
	need inside A ipdtool flush
	before=$(drop_snapshot)
	need wire B udp "${!address}" 7 30 2
	same "F14 IPv$family: an SPI that nobody has" "bad-spi=2 $((was + 2))" \
		"$(drop_changes "$before") $(delivered_in $family)"
	need inside A ipdtool spi dir=in proto=esp "spi=$spi_in" "local=${!address}" \
		"remote=${!remote}"
	before=$(drop_snapshot)
	need wire B udp "${!address}" 7 30 1
	same "F14 A26 IPv$family: an SPI that is only reserved" "sa-state=1 $((was + 2))" \
		"$(drop_changes "$before") $(delivered_in $family)"
	both_down
	driver_down
done

need on A ipdtool mode permit
need unload_module
check_world
finish
