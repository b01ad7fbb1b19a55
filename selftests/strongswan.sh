# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# strongSwan over XFRM as the peer of one of our hosts.  Sourced after lib.sh and hosts.sh.
#
#   strangers_up            host A is ours, B is strongSwan's; driver loaded, services started
#   swan_config ...         what B wants; see there
#   swan --initiate ...     swanctl on B
#
#   A 192.0.2.1, 2001:db8::1  eth0 ------- eth0  B 192.0.2.2, 2001:db8::2
#   agent, ike, cred, driver                     charon, XFRM

SWAN=$TMP/swan

swan_start() {
	mkdir -p "$SWAN"
	# "load" as a list: what is left out would bring its own kernel interface or policies.
	cat >"$SWAN/strongswan.conf" <<-CONF
	charon-systemd {
	  load = random nonce openssl aes sha1 sha2 md5 hmac gcm kdf kernel-netlink socket-default vici
	  install_routes = no
	  install_virtual_ip = no
	  retransmit_base = 1.5
	  retransmit_timeout = 2
	  journal { default = -1 }
	  filelog {
	    f {
	      path = $SWAN/charon.log
	      flush_line = yes
	      default = 1
	    }
	  }
	  plugins {
	    vici {
	      socket = unix://$SWAN/vici
	    }
	    openssl {
	      load_legacy = yes
	    }
	  }
	}
	swanctl {
	  load = openssl random
	  plugins {
	    vici {
	      socket = unix://$SWAN/vici
	    }
	  }
	}
	CONF
	STRONGSWAN_CONF=$SWAN/strongswan.conf spawn charon \
		ip netns exec "$B" /usr/sbin/charon-systemd
	wait_for 30 test -S "$SWAN/vici" || {
		diag "$(cat "$TMP/charon.log" "$SWAN/charon.log")"
		bail "strongSwan starts"
	}
}

swan() { # COMMAND [OPTION...]
	local command=$1
	shift
	SWANCTL_DIR=$SWAN STRONGSWAN_CONF=$SWAN/strongswan.conf timeout "$(secs 60)" \
		ip netns exec "$B" /usr/sbin/swanctl "$command" --uri "unix://$SWAN/vici" "$@"
}

swan_log() { cat "$SWAN/charon.log"; }

# swan_config IKE-PROPOSAL esp|ah PROPOSAL [LINE-FOR-THE-CHILD...]: one connection "c" with one
# child "n"; SWAN_PSK, A_ADDR and B_ADDR for another family, and SWAN_REMOTE where A is seen at
# another address, can be set before.
swan_config() {
	local ike=$1 protocol=$2 proposal=$3 line extra=
	shift 3
	for line in "$@"; do
		extra+="      $line"$'\n'
	done
	cat >"$SWAN/swanctl.conf" <<-CONF
	connections {
	  c {
	    version = 1
	    local_addrs = ${B_ADDR-$B4}
	    remote_addrs = ${SWAN_REMOTE-${A_ADDR-$A4}}
	    proposals = $ike
	    local {
	      auth = psk
	      id = ${B_ADDR-$B4}
	    }
	    remote {
	      auth = psk
	      id = ${A_ADDR-$A4}
	    }
	    children {
	      n {
	        mode = transport
	        ${protocol}_proposals = $proposal
	        rekey_time = 0
	$extra
	      }
	    }
	  }
	}
	secrets {
	  ike-1 {
	    id-1 = ${B_ADDR-$B4}
	    id-2 = ${A_ADDR-$A4}
	    secret = "${SWAN_PSK-$PSK}"
	  }
	}
	CONF
	swan --load-all
}

swan_sas() { ip -n "$B" xfrm state | grep -c '^src'; }
# Every argument describes B's associations (extended regular expressions).
swan_state() {
	local wanted
	ip -n "$B" xfrm state >"$TMP/swan.state"
	for wanted in "$@"; do
		grep -Eq -- "$wanted" "$TMP/swan.state" || {
			echo "no \"$wanted\" in:"
			cat "$TMP/swan.state"
			return 1
		}
	done
}
swan_has_sas() { [ "$(swan_sas)" -ge "${1-1}" ]; }
swan_has_none() { [ "$(swan_sas)" -eq 0 ]; }

# Nothing of one test is left for the next one.
part() {
	policy_off A >/dev/null 2>&1
	swan --terminate --ike c --force >/dev/null 2>&1
	wait_for 20 swan_has_none || diag "B keeps $(swan_sas) associations"
	ip -n "$B" xfrm state flush
	ip -n "$B" xfrm policy flush
}

strangers_up() {
	mount_peer strongswan
	module_loaded || load_module
	ns_add A B
	link A eth0 B eth0
	addr A eth0 "$A4/24" "$A6/64"
	addr B eth0 "$B4/24" "$B6/64"
	services_start A
	swan_start
}

# sent_nothing_clear NAME CAPTURE: of what our host sent to strongSwan's. charon's own first packets
# may be in clear: they are its affair, and dropped by us.
sent_nothing_clear() {
	local clear="$CLEAR and (host $B4 or host $B6)"
	same "$1" 0 "$(capture_count "$2" "$clear")" ||
		diag "$(tcpdump -r "$(capture_file "$2")" -n "$clear" 2>&1)"
}

# reaches VARIABLE ADDRESS: a packet and its answer pass. charon installs its inbound association
# only after our message 3, and misses what waited for the negotiation.
reaches() { wait_for 30 on "$1" ping -c 1 -W 1 "$2"; }

# transfer VARIABLE-FROM VARIABLE-TO ADDRESS-TO: 10 MB of noise over TCP, compared by checksum
transfer() {
	local sum
	[ -e "$TMP/noise" ] || head -c 10000000 /dev/urandom >"$TMP/noise"
	spawn "sink-$1" on "$2" socat -u "TCP-LISTEN:5001,reuseaddr,pf=${4-ip4}" "CREATE:$TMP/noise.$1"
	wait_for 20 listens "$2" || return
	on "$1" socat -u "OPEN:$TMP/noise" "TCP:$3:5001,connect-timeout=$(secs 20)" || return
	wait_for 30 not running "sink-$1"
	sum=$(sha256sum <"$TMP/noise")
	[ "$sum" = "$(sha256sum <"$TMP/noise.$1")" ] || {
		echo "checksums differ: $(ls -l "$TMP"/noise*)"
		return 1
	}
}
listens() { [ -n "$(on "$1" ss -Hltn 'sport = :5001')" ]; }
