#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=600
#
# Certificates between our host A and strongSwan's B, begun by either: RSA with an authority between
# root and leaf on either side, and ECDSA with both curves.
#
#   rsa root ---- intermediate ---- CN=a (ours)         p256 root, p384 root ---- CN=a
#           \---- other intermediate ---- CN=b                              \---- CN=b
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

PKI=$TMP/pki

# --- authorities ----------------------------------------------------------------------------

new_key() { # FILE rsa|p256|p384
	case $2 in
	rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" ;;
	p*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${2#p}" -out "$1" ;;
	esac 2>/dev/null
}

# issue NAME KIND SUBJECT ISSUER-NAME ca|host: NAME.key, NAME.crt, NAME.der
issue() {
	local name=$PKI/$1 kind=$2 subject=$3 issuer=$PKI/$4 extensions
	case $5 in
	ca) extensions='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign' ;;
	host) extensions='basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature' ;;
	esac
	new_key "$name.key" "$kind" || return
	openssl req -new -key "$name.key" -subj "$subject" -out "$name.csr" || return
	if [ "$name" = "$issuer" ]; then
		openssl x509 -req -in "$name.csr" -signkey "$name.key" -days 30 \
			-extfile <(echo -e "$extensions") -out "$name.crt"
	else
		openssl x509 -req -in "$name.csr" -CA "$issuer.crt" -CAkey "$issuer.key" \
			-CAcreateserial -days 30 -extfile <(echo -e "$extensions") -out "$name.crt"
	fi 2>/dev/null || return
	openssl x509 -in "$name.crt" -outform der -out "$name.der" &&
		openssl pkey -in "$name.key" -traditional -outform der -out "$name.key.der"
}

curve() {
	issue "$1-root" "$1" "/O=Test/CN=$1 root" "$1-root" ca &&
		issue "$1-a" "$1" "/O=Test/CN=a.$1.test" "$1-root" host &&
		issue "$1-b" "$1" "/O=Test/CN=b.$1.test" "$1-root" host
}

authorities() {
	mkdir -p "$PKI" &&
		issue rsa-root rsa "/O=Test/CN=RSA root" rsa-root ca &&
		issue rsa-inner rsa "/O=Test/CN=Inner" rsa-root ca &&
		issue rsa-outer rsa "/O=Test/CN=Outer" rsa-root ca &&
		issue rsa-a rsa "/O=Test/CN=a.rsa.test" rsa-inner host &&
		issue rsa-b rsa "/O=Test/CN=b.rsa.test" rsa-outer host &&
		curve p256 && curve p384 &&
		issue rsa-elsewhere rsa "/O=Test/CN=Elsewhere" rsa-elsewhere ca &&
		issue rsa-mallory rsa "/O=Test/CN=b.rsa.test" rsa-elsewhere host
}

# --- our host -------------------------------------------------------------------------------

# The machine store has all of our certificates; the root that a rule names makes the choice.
our_store() {
	local dir=$TMP/certs-A kind
	for kind in rsa p256 p384; do
		install -D -m 644 "$PKI/$kind-root.crt" "$dir/roots/$kind.crt" &&
			install -m 644 "$PKI/$kind-a.crt" "$dir/$kind.crt" &&
			install -m 400 -o ipsec-cred "$PKI/$kind-a.key" "$dir/$kind.key" || return
	done
	install -D -m 644 "$PKI/rsa-inner.crt" "$dir/intermediates/inner.crt"
}

our_policy() { # ROOT
	ctl A dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" &&
		ctl A dynamic add qmpolicy name=test "qmsecmethods=$QM_OFFERS" &&
		ctl A dynamic add rule srcaddr=me "dstaddr=$B4" mmpolicy=test qmpolicy=test \
			"rootca=$1 certmap:no excludecaname:no"
}

# --- strongSwan -----------------------------------------------------------------------------

# swan_certificates KIND LEAF: a connection with them, and the authorities that B knows
swan_certificates() {
	local kind=$1 leaf=$2 keys=$SWAN/rsa
	[ "$kind" = rsa ] || keys=$SWAN/ecdsa
	rm -rf "$SWAN"/{x509,x509ca,rsa,ecdsa}
	mkdir -p "$SWAN"/{x509,x509ca,rsa,ecdsa}
	cp "$PKI/$leaf.der" "$SWAN/x509/" && cp "$PKI/$leaf.key.der" "$keys/" &&
		cp "$PKI/$kind-root.der" "$SWAN/x509ca/" || return
	[ "$leaf" != rsa-b ] || cp "$PKI/rsa-outer.der" "$SWAN/x509ca/" || return
	cat >"$SWAN/swanctl.conf" <<-CONF
	connections {
	  c {
	    version = 1
	    local_addrs = $B4
	    remote_addrs = $A4
	    proposals = aes128-sha256-modp2048
	    local {
	      auth = pubkey
	      certs = $leaf.der
	    }
	    remote {
	      auth = pubkey
	      id = "O=Test, CN=a.$kind.test"
	    }
	    children {
	      n {
	        mode = transport
	        esp_proposals = aes128-sha256
	        rekey_time = 0
	      }
	    }
	  }
	}
	CONF
	swan --load-all --clear
}

# ID of the peer, and what vouches for it
our_log_has() { service_log A ipsec-policy-agent | grep -q "$1"; }
shows() { ctl A dynamic show mmsas | tee "$TMP/mmsas" | grep -q "$1"; }

certificates() { # NAME KIND ROOT
	local name=$1 kind=$2 root=$3
	need swan_certificates "$kind" "$kind-b"
	need our_policy "$root"
	check "K05 K45 $name, ours starts" reaches A "$B4" || why
	check "K05 $name: XFRM has what was agreed on" peer_state 'mode transport' 'cbc\(aes\)'
	check "K05 $name: the peer's subject is its identity" shows "CN=b.$kind.test"
	check "K05 $name: the root CA vouches for it" shows "${root%%,*}"
	check "K05 $name: the other way" reaches B "$A4"
	part
	need our_policy "$root"
	check "K05 K45 $name, strongSwan starts" swan --initiate --child n || why
	check "K05 $name: packets pass" reaches B "$A4"
	check "K05 $name: and back" reaches A "$B4"
	part
}

getent passwd ipsec-cred >/dev/null || need users_add
need authorities
need our_store
peer_up
certificates "RSA-2048 with intermediates" rsa "CN=RSA root, O=Test"
certificates "ECDSA-256" p256 "CN=p256 root, O=Test"
certificates "ECDSA-384" p384 "CN=p384 root, O=Test"

need swan_certificates rsa rsa-mallory
need our_policy "CN=RSA root, O=Test"
refuse "K36 a certificate of another root, strongSwan starts" swan --initiate --child n
check "K36 the log has the reason" wait_for 20 our_log_has 13887
refuse "K36 a certificate of another root, ours starts" on A ping -c 1 -W 3 "$B4"
part

check_world
finish
