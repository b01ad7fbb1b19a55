# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# libreswan's pluto over XFRM as the peer of one of our hosts.  Sourced by peer.sh, whose notation
# and picture these functions share.
#
#   pluto_start             on B; a second start finds nothing of the first
#   whack --initiate ...    the command line of pluto on B
#
# pluto is not installed: all that it would look for in /etc and /run lies in a folder of the test.

PLUTO=$TMP/pluto
IPSEC=/usr/libexec/ipsec

at_pluto() { timeout "$(secs "${PEER_PATIENCE-60}")" ip netns exec "$B" "${PEER_CHROOT[@]}" "$@"; }
whack() { at_pluto $IPSEC/whack --rundir "$PLUTO/run" "$@"; }

pluto_start() {
	rm -rf "$PLUTO/run"
	mkdir -p "$PLUTO/run" "$PLUTO/d" "$PLUTO/nss" /run/pluto "${PEER_CHROOT[1]-}/var/lib/ipsec/nss"
	[ -e "$PLUTO/nss/cert9.db" ] || pluto_database
	[ -e "$PLUTO/ipsec.conf" ] || pluto_setup >"$PLUTO/ipsec.conf"
	touch "$PLUTO/ipsec.secrets"
	spawn pluto ip netns exec "$B" "${PEER_CHROOT[@]}" $IPSEC/pluto --nofork --no-dnssec --nhelpers 0 \
		--config "$PLUTO/ipsec.conf" --rundir "$PLUTO/run" --ipsecdir "$PLUTO/d" \
		--nssdir "$PLUTO/nss" --secretsfile "$PLUTO/ipsec.secrets" --logfile "$PLUTO/log"
	wait_for 30 pluto_listens || {
		diag "$(cat "$TMP/pluto.log" "$PLUTO/log")"
		bail "libreswan starts"
	}
}
# The certificates of pki.sh that are B's, if there are any, by their names.
pluto_database() {
	local name db=sql:$PLUTO/nss
	need at_pluto certutil -N -d "$db" --empty-password
	for name in ${PEER_AUTHORITIES-}; do
		need at_pluto certutil -A -d "$db" -n "$name" -t CT,, -i "$CA/$name/ca.crt"
	done
	for name in ${PEER_CERTIFICATES-}; do
		need openssl pkcs12 -export -in "$CA/$name.crt" -inkey "$CA/$name.key" -name "$name" \
			-passout pass:x -out "$PLUTO/$name.p12"
		need at_pluto pk12util -i "$PLUTO/$name.p12" -d "$db" -W x -K ''
	done
}
pluto_listens() { whack --listen; }

pluto_setup() {
	cat <<-CONF
	config setup
	  protostack=xfrm
	  logfile=$PLUTO/log
	  logappend=yes
	  ikev1-policy=accept
	  dnssec-enable=no
	  nhelpers=0
	  uniqueids=yes
	CONF
}

# pluto_config IKE-PROPOSALS esp|ah PROPOSALS [LINE-OF-THE-CONNECTION...]: one connection "n"; the
# variables of peer_config are heard. "listen" reads secrets and addresses anew. The updown script
# would be that of another implementation.
pluto_config() {
	local ike=$1 protocol=$2 proposals=$3 left=${B_ADDR-$B4} right=${PEER_REMOTE-${A_ADDR-$A4}}
	local leftid=$left authby=secret
	shift 3
	[ -z "${PEER_CERTIFICATE-}" ] || {
		leftid=%fromcert authby=rsasig
		set -- "leftcert=$PEER_CERTIFICATE" leftsendcert=always sendca=all \
			"rightca=\"$PEER_ROOT\"" "$@"
	}
	{
		pluto_setup
		cat <<-CONF

		conn n
		  ikev2=no
		  auto=add
		  left=$left
		  right=$right
		  leftid=$leftid
		  rightid="${A_ID-${A_ADDR-$A4}}"
		  authby=$authby
		  ike=$ike
		  phase2=$protocol
		  phase2alg=$proposals
		  leftupdown=%disabled
		  rightupdown=%disabled
		CONF
		[ $# -eq 0 ] || printf '\t%s\n' "$@"
	} >"$PLUTO/ipsec.conf"
	echo "$left ${A_ADDR-$A4} : PSK \"${PEER_PSK-$PSK}\"" >"$PLUTO/ipsec.secrets"
	whack --delete --name n >/dev/null 2>&1
	whack --listen >/dev/null &&
		at_pluto $IPSEC/addconn --config "$PLUTO/ipsec.conf" \
			--ctlsocket "$PLUTO/run/pluto.ctl" n
}

# --- what peer.sh asks of every implementation ----------------------------------------------

PEER_NAME=libreswan PEER_PROCESS=pluto

peer_start() { pluto_start; }
peer_version() { at_pluto $IPSEC/pluto --version | cut -d ' ' -f 1,2; }
peer_log() { cat "$PLUTO/log"; }
peer_initiate() { whack --initiate --name n; }
# In IKEv1 pluto rekeys on its own clock only; starting again makes new associations.
peer_rekey() { whack --initiate --name n; }
peer_terminate() { whack --terminate --name n; }
peer_forget() { rm -rf "$PLUTO/run"; }

peer_apply() { # MODE: from the words of peer_config
	local lines=("type=$1")
	if [ -n "$pfs_group" ]; then
		lines+=("pfs=yes")
	else
		lines+=("pfs=no")
	fi
	[ "$1" = transport ] || lines+=("leftsubnet=$PEER_NET" "rightsubnet=$OUR_NET")
	[ -z "${PEER_PORT-}" ] || lines+=("leftprotoport=$PEER_PORT" "rightprotoport=${PEER_PORT%/*}")
	[ -z "${PEER_DPD-}" ] || lines+=(dpddelay=10 dpdtimeout=30 dpdaction=clear)
	[ -z "${PEER_LIFE-}" ] || lines+=(ikelifetime=600 salifetime=300 rekeymargin=60 rekeyfuzz=0%)
	case ${B_ADDR-$B4} in *:*) lines+=("hostaddrfamily=ipv6" "clientaddrfamily=ipv6") ;; esac
	pluto_config "$(pluto_ike)" "$qm_protocol" "$(pluto_qm)" "${lines[@]}"
}

# Its names: sha2_256, dh19, aes_gcm128.
pluto_ike() {
	local offer out=()
	for offer in "${mm_offers[@]}"; do
		offer=${offer/-sha/-sha2_} offer=${offer/sha2_1-/sha1-}
		offer=${offer/-ecp256/-dh19} offer=${offer/-ecp384/-dh20} offer=${offer/-ecp521/-dh21}
		out+=("${offer%-*};${offer##*-}")
	done
	(IFS=,; echo "${out[*]}")
}
pluto_qm() {
	local offer out=()
	for offer in "${qm_offers[@]}"; do
		offer=${offer/-sha/-sha2_} offer=${offer/%sha2_1/sha1} offer=${offer#-}
		offer=${offer/#none-/null-}
		case $offer in aesgcm*) offer=aes_gcm${offer//[!0-9]/}-null ;; esac
		out+=("$offer${pfs_group:+;$pfs_group}")
	done
	(IFS=,; echo "${out[*]}")
}
