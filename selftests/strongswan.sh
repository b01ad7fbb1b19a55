# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# strongSwan's charon over XFRM as the peer of one of our hosts.  Sourced by peer.sh, whose notation
# and picture these functions share.
#
#   swan_start              on B
#   swan --initiate ...     swanctl on B

SWAN=$TMP/swan

swan_start() {
	mkdir -p "$SWAN"
	# "load" as a list: what is left out would bring its own kernel interface or policies.
	cat >"$SWAN/strongswan.conf" <<-CONF
	charon-systemd {
	  load = random nonce openssl pem aes sha1 sha2 md5 hmac gcm kdf kernel-netlink socket-default vici
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
	  load = openssl pem random
	  plugins {
	    vici {
	      socket = unix://$SWAN/vici
	    }
	  }
	}
	CONF
	STRONGSWAN_CONF=$SWAN/strongswan.conf spawn charon \
		ip netns exec "$B" "${PEER_CHROOT[@]}" /usr/sbin/charon-systemd
	wait_for 30 test -S "$SWAN/vici" || {
		diag "$(cat "$TMP/charon.log" "$SWAN/charon.log")"
		bail "strongSwan starts"
	}
}

swan() { # COMMAND [OPTION...]
	local command=$1
	shift
	SWANCTL_DIR=$SWAN STRONGSWAN_CONF=$SWAN/strongswan.conf timeout "$(secs "${PEER_PATIENCE-60}")" \
		ip netns exec "$B" "${PEER_CHROOT[@]}" /usr/sbin/swanctl "$command" --uri "unix://$SWAN/vici" "$@"
}

# The certificates of pki.sh that are B's.
swan_store() {
	local name
	mkdir -p "$SWAN"/{x509,x509ca,private}
	for name in $PEER_AUTHORITIES; do
		cp "$CA/$name/ca.crt" "$SWAN/x509ca/$name.crt" || return
	done
	for name in $PEER_CERTIFICATES; do
		cp "$CA/$name.crt" "$SWAN/x509/" && cp "$CA/$name.key" "$SWAN/private/" || return
	done
}

swan_log() { cat "$SWAN/charon.log"; }

# swan_config IKE-PROPOSALS esp|ah PROPOSALS [LINE-FOR-THE-CHILD...]: one connection "c" with one
# child "n"; the variables of peer_config are heard
swan_config() {
	local ike=$1 protocol=$2 proposal=$3 line extra='' auth=psk local dpd=0 main_life=4h quick_life=0
	local="auth = psk"$'\n'"id = ${B_ADDR-$B4}"
	[ -z "${PEER_CERTIFICATE-}" ] || {
		auth=pubkey local="auth = pubkey"$'\n'"certs = $PEER_CERTIFICATE.crt"
		swan_store
	}
	shift 3
	[ -z "${PEER_DPD-}" ] || dpd=10s
	[ -z "${PEER_LIFE-}" ] || main_life=500s quick_life=240s
	for line in "$@"; do
		extra+="      $line"$'\n'
	done
	cat >"$SWAN/swanctl.conf" <<-CONF
	connections {
	  c {
	    version = 1
	    local_addrs = ${B_ADDR-$B4}
	    remote_addrs = ${PEER_REMOTE-${A_ADDR-$A4}}
	    proposals = $ike
	    rekey_time = $main_life
	    dpd_delay = $dpd
	    dpd_timeout = 30s
	    local {
	      $local
	    }
	    remote {
	      auth = $auth
	      id = "${A_ID-${A_ADDR-$A4}}"
	    }
	    children {
	      n {
	        mode = ${SWAN_MODE-transport}
	        ${protocol}_proposals = $proposal
	        rekey_time = $quick_life
	        dpd_action = clear
	$extra
	      }
	    }
	  }
	}
	secrets {
	  ike-1 {
	    id-1 = ${B_ADDR-$B4}
	    id-2 = ${A_ADDR-$A4}
	    secret = "${PEER_PSK-$PSK}"
	  }
	}
	CONF
	swan --load-all
}

# --- what peer.sh asks of every implementation ----------------------------------------------

PEER_NAME=strongSwan PEER_PROCESS=charon

peer_start() { swan_start; }
peer_version() { echo "strongSwan $(swan --version | grep -oE -m 1 '[0-9]+(\.[0-9]+)+')"; }
peer_log() { swan_log; }
peer_initiate() { swan --initiate --child n; }
peer_rekey() { swan --rekey --child n; }
peer_terminate() { swan --terminate --ike c --force; }
peer_forget() { rm -f "$SWAN/vici"; }

peer_apply() { # MODE: from the words of peer_config
	local lines=() port=${PEER_PORT-}
	port=${port/tcp/6}	# in another suite's root protocols have no names
	[ "$1" = transport ] || lines=("local_ts = $PEER_NET" "remote_ts = $OUR_NET")
	[ -z "$port" ] || lines=("local_ts = dynamic[$port]" "remote_ts = dynamic[${port%/*}]")
	SWAN_MODE=$1 swan_config "$(IFS=,; echo "${mm_offers[*]}")" "$qm_protocol" "$(swan_qm)" "${lines[@]}"
}

# Its names: aes128gcm16, null-sha1.
swan_qm() {
	local offer out=()
	for offer in "${qm_offers[@]}"; do
		offer=${offer#-}
		case $offer in
		aesgcm*) offer=${offer%-none} offer=aes${offer#aesgcm}gcm16 ;;
		none-*) offer=null-${offer#none-} ;;
		esac
		out+=("$offer${pfs_group:+-$pfs_group}")
	done
	(IFS=,; echo "${out[*]}")
}
