#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300 time-travel
#
# The log interval. Guest time jumps while the guest is idle.
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

bad_spi() { # HOW MANY
	on B perl -e '
		use Socket;
		socket(my $s, PF_INET, SOCK_RAW, 50) or die "socket: $!";
		my $to = sockaddr_in(0, inet_aton($ARGV[0]));
		send($s, pack("NN", 0x12345678, $_) . "x" x 40, 0, $to) for 1 .. $ARGV[1];
	' $A4 "$1"
}
rows() { event A "$1" summary-event | grep -o '[a-z-]*,[^ ]*' | xargs; }

driver_up
fresh A
need ipd A add id=1 out=block in=block local=me remote=198.51.100.1
need ipd A diag 1 60
listen A diag
sleep 70
same "L12 nothing happened: no summary" 0 "$(events A summary-event)"
bad_spi 500
sleep 20
bad_spi 500
sleep 25
same "L12 none before the interval ends" 0 "$(events A summary-event)"
sleep 30
same "L12 one summary per interval" "1 bad-spi,$B4=1000" "$(events A summary-event) $(rows 1)"
seconds=$(field seconds "$(event A 1 summary-event)")
# the kernel's timers are late by an eighth at most
is_minute() { [ "$seconds" -ge 60 ] && [ "$seconds" -le 68 ]; }
check "L12 of that time" is_minute
sleep 120
same "L12 and nothing more without packets" 1 "$(events A summary-event)"
bad_spi 3
sleep 70
same "L12 the next one begins at zero" "2 bad-spi,$B4=3" "$(events A summary-event) $(rows 2)"

# what was counted is told when the level or the interval changes
bad_spi 2
need ipd A diag - 86400
check "L12 a change ends the interval" wait_for 10 has_events A 3 summary-event
bad_spi 2
sleep 80000
same "L12 the longest interval is a day" 3 "$(events A summary-event)"
sleep 18000
same "L12 and ends, too" "4 bad-spi,$B4=2" "$(events A summary-event) $(rows 4)"
# an interval that is under way holds neither the namespace nor the module
bad_spi 1
need ipd A mode permit
stop listen-A
check "L12 the module can be unloaded meanwhile" unload_module
check_world
finish
