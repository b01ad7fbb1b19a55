#!/bin/bash
# SPDX-License-Identifier: MIT
# One responder of "make bench-ike" and its initiators, in namespaces that end with this script.
#
#   negotiations.sh ours|strongswan|libreswan rate CPUS N CONCURRENT
#   negotiations.sh SIDE rate-rsa CPUS N CONCURRENT   the same with certificates
#   negotiations.sh SIDE memory CPUS N CONCURRENT     N peers, each with main and quick mode
#   negotiations.sh SIDE half CPUS N CONCURRENT       N first messages, from N addresses
#
#   initiators 10.77.0.1 ...  l  10.76.0.2 ------ 10.76.0.1  r  responder, on CPUS
#   (ikeload, on CPU 0)
#
# Prints "done= failed= ns= p50= p99= cpu=" of ikeload, and of the responder's processes
# "responder_cpu= rss_before= rss_after=" (seconds, bytes).
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd -P)
PSK="only for measurements"
HERE=10.76.0.1
ROOT="O=Measurements, CN=Root"

# Everything below is in its own mounts, processes and network, and ends with its first process.
if [ -z "${IPD_BENCH_INSIDE-}" ]; then
	IPD_BENCH_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc \
		bash "$0" "$@"
fi

die() {
	echo "negotiations: $*" >&2
	for log in "$TMP"/*.log; do
		[ -s "$log" ] && { echo "$log:"; tail -n 8 "$log"; } >&2
	done
	exit 1
}
must() { "$@" >"$TMP/must.log" 2>&1 || die "failed: $*"; }
wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.1
	done
}

# Nothing of this is seen outside.
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns || exit 1
mount -t tmpfs -o mode=755 tmpfs /mnt || exit 1
TMP=/mnt

network() {
	must ip netns add l
	must ip link set dev lo up
	must ip link add r type veth peer name l netns l
	must ip addr add $HERE/30 dev r
	must ip link set dev r up
	must ip route add 10.77.0.0/16 via 10.76.0.2
	# what the kernel refuses stays larval; its expiry would end what counts as installed
	must sysctl -qw net.core.xfrm_acq_expires=3600
	must ip -n l link set dev lo up
	must ip -n l addr add 10.76.0.2/30 dev l
	must ip -n l link set dev l up
	must ip -n l route add local 10.77.0.0/16 dev lo
}

# Certificates of one authority: root.crt, responder.crt and .key, initiator.crt and .key.
certificates() {
	local name subject
	CERTS=$TMP/certificates
	mkdir -p "$CERTS"
	must openssl req -x509 -newkey rsa:2048 -nodes -keyout "$CERTS/root.key" -out "$CERTS/root.crt" \
		-subj "/O=Measurements/CN=Root" -days 30
	echo "keyUsage = critical, digitalSignature" >"$CERTS/extensions"
	for name in responder initiator; do
		subject="/O=Measurements/CN=${name^}"
		must openssl req -newkey rsa:2048 -nodes -keyout "$CERTS/$name.key" -out "$CERTS/$name.csr" \
			-subj "$subject"
		must openssl x509 -req -in "$CERTS/$name.csr" -CA "$CERTS/root.crt" -CAkey "$CERTS/root.key" \
			-CAcreateserial -days 30 -extfile "$CERTS/extensions" -out "$CERTS/$name.crt"
	done
}
is_rsa() { [ -n "${CERTS-}" ]; }

mount_peer() { # NAME
	local root dir
	root=$("$TOP/scripts/peer" path "$1") || exit 1
	for dir in usr etc; do
		must mount -t overlay -o "lowerdir=$root/$dir:/$dir" overlay "/$dir"
	done
}

RESPONDERS=()
start() { # LOG COMMAND...
	local log=$TMP/$1.log
	shift
	taskset -c "$CPUS" "$@" >"$log" 2>&1 &
	RESPONDERS+=("$!")
}
start_peer() { LD_PRELOAD=$TOP/build/xfrm_accept.so start "$@"; }

# --- responders: as they come, but without limits on strangers and without logs -------------------

ours_start() {
	local run=$TMP/run auth="psk=$PSK"
	mkdir -p "$run" "$TMP/state"
	! is_rsa || { ours_store && auth="rootca=$ROOT"; }
	start cred "$TOP/build/ipsec-cred" --foreground --run-dir "$run" --certs "$TMP/store"
	start agent "$TOP/build/bench-agent" --foreground --log-level err --run-dir "$run" \
		--state-dir "$TMP/state"
	start ike "$TOP/build/ipsec-ike" --foreground --run-dir "$run"
	wait_for 20 ours_ready || die "our services do not start"
	must ours_ctl dynamic add mmpolicy name=bench mmsecmethods=AES128-SHA1-14
	must ours_ctl dynamic add qmpolicy name=bench "qmsecmethods=ESP[AES128,SHA1]:100000k/3600s"
	must ours_ctl dynamic add rule srcaddr=me dstaddr=10.77.0.0/255.255.0.0 mmpolicy=bench \
		qmpolicy=bench "$auth"
}
ours_store() {
	must install -D -m 644 "$CERTS/responder.crt" "$TMP/store/host.crt"
	must install -D -m 644 "$CERTS/root.crt" "$TMP/store/roots/root.crt"
	must install -m 400 -o "$(ours_user)" "$CERTS/responder.key" "$TMP/store/host.key"
	chmod 755 "$TMP" "$TMP/store" "$TMP/store/roots"
}
# who ipsec-cred becomes
ours_user() { getent passwd ipsec-cred >/dev/null && echo ipsec-cred || echo nobody; }
ours_ctl() { "$TOP/build/ipsecctl" --run-dir "$TMP/run" "$@"; }
ours_ready() {
	[ "$(ours_ctl --json status | jq -r '[.. | objects | .ike?, .cred?] | map(select(. != null)) | all')" = true ]
}

strongswan_start() {
	local d=$TMP/swan auth=psk own="id = $HERE"
	mount_peer strongswan
	mkdir -p "$d"
	! is_rsa || { strongswan_store "$d" && auth=pubkey own="certs = responder.crt"; }
	cat >"$d/strongswan.conf" <<-CONF
	charon-systemd {
	  load = random nonce openssl pem aes sha1 sha2 hmac kdf kernel-netlink socket-default vici
	  install_routes = no
	  install_virtual_ip = no
	  dos_protection = no
	  block_threshold = 0
	  cookie_threshold = 0
	  ikesa_table_size = 16384
	  ikesa_table_segments = 16
	  journal { default = -1 }
	  plugins {
	    vici {
	      socket = unix://$d/vici
	    }
	  }
	}
	swanctl {
	  load = openssl pem random
	}
	CONF
	cat >"$d/swanctl.conf" <<-CONF
	connections {
	  c {
	    version = 1
	    local_addrs = $HERE
	    remote_addrs = %any
	    proposals = aes128-sha1-modp2048
	    unique = never
	    local {
	      auth = $auth
	      $own
	    }
	    remote {
	      auth = $auth
	    }
	    children {
	      n {
	        mode = transport
	        esp_proposals = aes128-sha1
	      }
	    }
	  }
	}
	secrets {
	  ike-1 {
	    secret = "$PSK"
	  }
	}
	CONF
	export STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d
	start_peer charon /usr/sbin/charon-systemd
	wait_for 20 test -S "$d/vici" || die "strongSwan does not start"
	must swanctl --load-all --uri "unix://$d/vici"
}
strongswan_store() { # DIR
	mkdir "$1/x509" "$1/x509ca" "$1/private"
	must cp "$CERTS/root.crt" "$1/x509ca/"
	must cp "$CERTS/responder.crt" "$1/x509/"
	must cp "$CERTS/responder.key" "$1/private/"
}

libreswan_start() {
	local d=$TMP/lsw auth='authby=secret'
	mount_peer libreswan
	mkdir -p "$d/run" "$d/nss" "$d/ipsec"
	must mount -t tmpfs tmpfs /var/lib
	mkdir -p /var/lib/ipsec/nss
	must certutil -N --empty-password -d "sql:$d/nss"
	! is_rsa || {
		libreswan_store "$d"
		auth=$'authby=rsasig\n  leftcert=responder\n  leftid=%fromcert\n  leftsendcert=always\n  rightca=%same\n  rightid=%fromcert'
	}
	cat >"$d/ipsec.conf" <<-CONF
	config setup
	  uniqueids=no
	  ikev1-policy=accept
	  ddos-mode=unlimited
	  nhelpers=$(($(tr , '\n' <<<"$CPUS" | wc -l) > 1 ? 2 : 0))

	conn n
	  ikev2=no
	  type=transport
	  left=$HERE
	  right=%any
	  $auth
	  ike=aes128-sha1;modp2048
	  phase2=esp
	  phase2alg=aes128-sha1
	  pfs=no
	  leftupdown=%disabled
	  rightupdown=%disabled
	  auto=add
	CONF
	echo "$HERE %any : PSK \"$PSK\"" >"$d/ipsec.secrets"
	start_peer pluto /usr/libexec/ipsec/pluto --nofork --config "$d/ipsec.conf" \
		--rundir "$d/run" --ipsecdir "$d/ipsec" --nssdir "$d/nss" \
		--secretsfile "$d/ipsec.secrets" --logfile "$d/pluto.log" --no-dnssec
	wait_for 20 test -S "$d/run/pluto.ctl" || die "libreswan does not start"
	/usr/libexec/ipsec/addconn --config "$d/ipsec.conf" --ctlsocket "$d/run/pluto.ctl" n \
		>"$TMP/addconn.log" 2>&1
	/usr/libexec/ipsec/whack --rundir "$d/run" --listen >"$TMP/listen.log" 2>&1
}

libreswan_store() { # DIR
	must certutil -A -d "sql:$1/nss" -n root -t CT,, -i "$CERTS/root.crt"
	must openssl pkcs12 -export -in "$CERTS/responder.crt" -inkey "$CERTS/responder.key" \
		-name responder -passout pass:x -out "$1/responder.p12"
	must pk12util -i "$1/responder.p12" -d "sql:$1/nss" -W x -K ''
}

# --- what they took -------------------------------------------------------------------------------

cpu() { # seconds of all the responder's processes
	local pid ticks=0 stat
	for pid in "${RESPONDERS[@]}"; do
		read -r -a stat <<<"$(sed 's/.*) //' "/proc/$pid/stat")" || die "a responder has ended"
		ticks=$((ticks + stat[11] + stat[12]))
	done
	awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t / hz }'
}
rss() { # bytes of all the responder's processes
	local pid kib=0
	for pid in "${RESPONDERS[@]}"; do
		kib=$((kib + $(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")))
	done
	echo $((kib * 1024))
}

load() { # KIND N CONCURRENT
	local proof="psk:$PSK"
	! is_rsa || proof=rsa:$CERTS
	taskset -c 0 ip netns exec l "$TOP/build/ikeload" $HERE "$proof" "$@"
}

main() {
	local side=$1 kind=$2 n=$4 concurrent=$5 before after rss_before
	CPUS=$3
	network
	[ "$kind" != rate-rsa ] || certificates
	"${side}_start"
	# the first ones load code and fill caches
	load negotiate 20 4 >"$TMP/warm.log" 2>&1 || die "$side does not negotiate: $(cat "$TMP/warm.log")"
	rss_before=$(rss)
	before=$(cpu)
	case $kind in
	half) load half "$n" "$concurrent" ;;
	*) load negotiate "$n" "$concurrent" ;;
	esac
	sleep 1
	after=$(cpu)
	echo "responder_cpu=$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')" \
		"rss_before=$rss_before rss_after=$(rss)"
}

main "$@"; exit
