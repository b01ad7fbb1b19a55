#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=400
#
# Tunnel mode between two gateways, with XFRM as the other one: all combinations of families, ESP
# and AH, what is forwarded and what starts at the gateway, streams, fragments, and nothing in
# clear in between (pitfalls A6, F4). Topology: selftests/gateways.sh
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/gateways.sh"

bytes=$((2000000 / SLOW))
SECRET='the secret of this test, in clear'

gateways_topology
load_module
need inside A ipdtool mode secure
CAPTURE_OPTIONS='-s 256' wire_start wan A eth0 B eth0

for pair in '4 4' '6 6' '4 6' '6 4'; do
	read -r inner outer <<<"$pair"
	name="IPv$inner in IPv$outer"
	host_c=C$inner host_d=D$inner
	for algorithms in 'aes128 sha1' 'gcm128 none' 'none sha1'; do
		tunnel_up "$inner" "$outer" $algorithms
		check "F38 $name, $algorithms: a ping from network to network" \
			echo_of C "${!host_d}" 56
		check "F38 $name, $algorithms: and the other way" echo_of D "${!host_c}" 56
		check "F12 $name, $algorithms: 8000 bytes" echo_of_big C "${!host_d}" 8000
		check "F12 $name, $algorithms: and back" echo_of_big D "${!host_c}" 8000
		if [ "$algorithms" = 'gcm128 none' ]; then
			check "F38 $name: a stream to the other network" carry C D "$inner" $bytes
			check "F38 $name: and from there" carry D C "$inner" $bytes
			need wire C udp "${!host_d}" 9 3000 2 "$SECRET"
			need wire D udp "${!host_c}" 9 3000 2 "$SECRET"
		fi
		same "F38 $name, $algorithms: all of it under the association" "0 0" \
			"$(($(sa_value in packets) < 4)) $(($(sa_value out packets) < 4))"
		tunnel_down
	done
done
wire_stop wan
never_clear "F38 F16 no packet of the networks is on the wire between the gateways" wan \
	'net 10.0.0.0/8 or ip6 net fd00::/8'
check "F16 and no secret in what is" not grep -qaF "$SECRET" "$(capture_file wan-1)"

need inside A ipdtool mode permit
need unload_module
check_world
finish
