# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Certification authorities, by openssl(1), and the machine stores of our hosts.  Sourced after
# hosts.sh.
#
#   ca_new first "/O=Example/CN=Root"     a root CA
#   ca_under first near "/O=Example/CN=Near"   one that the root vouches for
#   host_new first host-a                 a certificate of it, $CA/host-a.crt and .key
#   certificate_on A host-a               into the store of host A
CA=$TMP/ca

quietly() { "$@" >>"$TMP/openssl.log" 2>&1; }

# A CA as openssl(1) keeps one: NAME
ca_files() {
	mkdir -p "$CA/$1" && : >"$CA/$1/index.txt" && echo 01 >"$CA/$1/number" || return
	cat >"$CA/$1/ca.cnf" <<-CNF || return
		[ca]
		default_ca = this
		[this]
		database = $CA/$1/index.txt
		crlnumber = $CA/$1/number
		default_md = sha256
		default_crl_days = 30
		crl_extensions = crl
		[crl]
		authorityKeyIdentifier = keyid
		[inner]
		basicConstraints = critical, CA:TRUE
		keyUsage = critical, keyCertSign, cRLSign
		[host]
		keyUsage = critical, digitalSignature
		extendedKeyUsage = clientAuth
		crlDistributionPoints = URI:http://192.0.2.9/root.crl
	CNF
}
ca_new() { # NAME SUBJECT
	ca_files "$1" &&
		quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout "$CA/$1/ca.key" \
			-out "$CA/$1/ca.crt" -subj "$2" -days 30
}
ca_under() { # CA NAME SUBJECT
	ca_files "$2" &&
		quietly openssl req -newkey rsa:2048 -nodes -keyout "$CA/$2/ca.key" -out "$CA/$2/ca.csr" \
			-subj "$3" &&
		issue "$1" "$CA/$2/ca.csr" inner "$CA/$2/ca.crt"
}
issue() { # CA REQUEST KIND FILE
	quietly openssl x509 -req -in "$2" -CA "$CA/$1/ca.crt" -CAkey "$CA/$1/ca.key" \
		-CAcreateserial -days 30 -extfile "$CA/$1/ca.cnf" -extensions "$3" -out "$4"
}
# host_new CA NAME: $CA/NAME.crt and .key
host_new() {
	quietly openssl req -newkey rsa:2048 -nodes -keyout "$CA/$2.key" -out "$CA/$2.csr" \
		-subj "/O=Example/CN=$2" &&
		issue "$1" "$CA/$2.csr" host "$CA/$2.crt"
}
revoke() { # CA HOST
	quietly openssl ca -config "$CA/$1/ca.cnf" -keyfile "$CA/$1/ca.key" -cert "$CA/$1/ca.crt" -revoke "$CA/$2.crt"
}
crl() { # CA FILE
	quietly openssl ca -config "$CA/$1/ca.cnf" -keyfile "$CA/$1/ca.key" -cert "$CA/$1/ca.crt" -gencrl -out "$CA/crl.pem" &&
		quietly openssl crl -in "$CA/crl.pem" -outform DER -out "$2"
}

# certificate_on HOST NAME: its certificate and key into its store, as an administrator would
certificate_on() {
	local dir=$TMP/certs-$1
	install -D -m 644 "$CA/$2.crt" "$dir/host.crt" &&
		install -D -m 644 "$CA/first/ca.crt" "$dir/roots/root.crt" &&
		install -m 400 -o ipsec-cred "$CA/$2.key" "$dir/host.key"
}
