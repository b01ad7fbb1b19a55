#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=400
#
# What two hosts write of their negotiations: the journal's entries with their fields, the lists of
# hard and soft peers that the manual has a line for, the audit switched off, and oakley.log. B has a
# certificate that A knows to be revoked.
#
#   A 192.0.2.1 ------- B 192.0.2.2        192.0.2.77 and .78 are nobody
#
# A logs to a journal of its own, B to standard error.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/pki.sh"

MM_ID=4308fa3436b24bf6a7aef4b6c4f1ce00
QM_ID=e88ff96607ee49d89389eec9957fe7bc
UNTRUSTED_ID=ee06d01671aa4d47a29779c17cc267dd
AUTH_ID=13da4f70cb074f88a87432947e5fa237
FAILED_ID=2349e51c096441d0ac0181d79c389418
SOFT_ID=046186b67c7a49638c9d5a090aac8117
STARTED_ID=7517290bb60248df8cb1bc7c05b78c52
STOPPED_ID=b83e508d52e94f5ea5fc9c24afc45f2b
APPLIED_ID=3eda27d235c84b64ac5c0fec99ae90ba
MODE_ID=062fbdcf4306460ea8a84881a9287976

OAKLEY=$TMP/log/oakley.log

journal_up() {
	mkdir -p /run/systemd/journal /run/log/journal
	spawn journald /lib/systemd/systemd-journald
	wait_for 20 test -S /run/systemd/journal/socket
}
entries() { journalctl --sync; journalctl -o json "$@"; } # MATCH...: one object per line
has_entry() { [ -n "$(entries "$@")" ]; }
fields() { # NAMES MATCH...: IPD_NAME of the newest entry, for each of the names
	entries "${@:2}" | tail -n 1 | jq -r --arg names "$1" \
		'. as $entry | $names | split(" ") | map($entry["IPD_" + .] // "-") | join(" ")'
}
count() { entries "$@" | wc -l; }
has_more() { [ "$(count "${@:2}")" -gt "$1" ]; } # THAN MATCH...
said() { service_log B ipsec-policy-agent | grep -Eq "$1"; }

# The agent of A: to the journal, because that is there.
agent_up() {
	spawn A-ipsec-policy-agent ip netns exec "$A" ipsec-policy-agent --run-dir "$(run_dir A)" \
		--state-dir "$TMP/state-A" --config "$TMP/A.conf"
	wait_for 30 services_ready A
}
agent_again() { # SIGNAL: how the one before ends
	stop A-ipsec-policy-agent "$1"
	agent_up
}
ping_to() { on A ping -c "${2-2}" -i 0.2 -W "$(secs 10)" "$1"; }

# The machine stores of both; A's has the CRL.
certificates_up() {
	getent passwd ipsec-cred >/dev/null || need users_add
	need ca_new first "/O=Example/CN=Root"
	need host_new first host-a
	need host_new first host-b
	need revoke first host-b
	need certificate_on A host-a
	need certificate_on B host-b
	need mkdir "$TMP/certs-A/crls"
	need crl first "$TMP/certs-A/crls/root.crl"
}
certified_on() { # HOST DESTINATION
	policy_methods "$1" && ctl "$1" dynamic add rule srcaddr=me "dstaddr=$2" mmpolicy=test \
		qmpolicy=test "rootca=O=Example, CN=Root"
}

need journal_up
need certificates_up
hosts_up
echo "OakleyLog = $OAKLEY" >"$TMP/A.conf"
need agent_again TERM

# --- the agent and the driver ---------------------------------------------------------------
check "A24 L06 the agent has started (613)" has_entry MESSAGE_ID=$STARTED_ID IPD_EVENT=613
check "L06 the driver is in secure mode (4294)" has_entry MESSAGE_ID=$MODE_ID IPD_EVENT=4294

# --- success ----------------------------------------------------------------------------------
check "N03 A's policy" policy_on A $B4
check "N03 B's policy" policy_on B $A4
check "A24 L06 policy was applied (615)" wait_for 20 has_entry MESSAGE_ID=$APPLIED_ID IPD_EVENT=615
check "L01 a ping is negotiated for" ping_to $B4
check "L01 main mode has its record" wait_for 20 has_entry MESSAGE_ID=$MM_ID IPD_EVENT=541 IPD_PEER=$B4
same "L01 with the mode and the identity" "Key Exchange Mode (Main Mode) Preshared key ID $B4" \
	"$(fields "IKE_MODE PEER_ID_KIND PEER_ID" MESSAGE_ID=$MM_ID)"
same "L01 with the parameters" "AES128 SHA256 14 28800" \
	"$(fields "ENCRYPTION_ALGORITHM HASH_ALGORITHM DH_GROUP LIFETIME_SECONDS" MESSAGE_ID=$MM_ID)"
check "L01 quick mode has its record" wait_for 20 has_entry MESSAGE_ID=$QM_ID IPD_EVENT=541 IPD_PEER=$B4
same "L01 with the mode and the identity" "Data Protection Mode (Quick Mode) $B4" \
	"$(fields "IKE_MODE PEER_ID" MESSAGE_ID=$QM_ID)"
same "L01 with the filter" "$A4 255.255.255.255 $B4 255.255.255.255 0 0 0" "$(fields \
	"SOURCE SOURCE_MASK DESTINATION DESTINATION_MASK PROTOCOL SOURCE_PORT DESTINATION_PORT" MESSAGE_ID=$QM_ID)"
same "L01 with the parameters" "AES128 SHA256 None Transport Mode 3600 100000" "$(fields \
	"ESP_ALGORITHM HMAC_ALGORITHM AH_ALGORITHM ENCAPSULATION LIFETIME_SECONDS LIFETIME_KBYTES" MESSAGE_ID=$QM_ID)"
sas=$(ctl A --json dynamic show qmsas)
same "L01 with the SPIs of the association" \
	"$(printf '0x%08x 0x%08x' "$(jq -r 'first(.. | .espspiin? // empty)' <<<"$sas")" \
		"$(jq -r 'first(.. | .espspiout? // empty)' <<<"$sas")")" \
	"$(fields "SPI_IN SPI_OUT" MESSAGE_ID=$QM_ID)"
check "L01 L02 without a journal it is one line" wait_for 20 said \
	"peer $A4: quick mode established; Data Protection Mode .*destination $A4 mask 255.255.255.255, .*ESP AES128, HMAC SHA256, .*SPI 0x[0-9a-f]{8} in, .*lifetime 3600 s 100000 KB"

# --- failures ---------------------------------------------------------------------------------
policy_off A
check "L01 the end has its record (542, 543)" wait_for 20 eval \
	'has_entry IPD_EVENT=542 IPD_PEER=$B4 && has_entry IPD_EVENT=543 IPD_PEER=$B4'
PSK="another phrase, not the same one" check "N03 A has another key" policy_on A $B4
refuse "K06 a wrong preshared key: no packet arrives" ping_to $B4 1
check "L02 K06 A says that the proof is wrong (545)" wait_for 40 has_entry MESSAGE_ID=$AUTH_ID IPD_EVENT=545 IPD_PEER=$B4
same "L02 at which point and why" "Peer 13801" "$(fields "FAILURE_POINT REASON" MESSAGE_ID=$AUTH_ID)"
policy_off A
MM_OFFERS=AES256-SHA512-14 check "N03 A offers what B does not take" policy_on A $B4
refuse "K21 no common offer: no packet arrives" ping_to $B4 1
check "L02 K21 B says in which attribute (546)" wait_for 40 said \
	"peer $A4: main mode failed: .*\(13802\), failure point: me; .*attribute: Encryption Algorithm, expected value: AES-128, received value: AES-256"
policy_off A

policy_off B
check "K05 A takes certificates" certified_on A $B4
check "K05 and so does B" certified_on B $A4
refuse "K38 B's certificate has been revoked: no packet arrives" ping_to $B4 1
check "L02 K38 A says that nobody vouches for B (544)" wait_for 40 has_entry MESSAGE_ID=$UNTRUSTED_ID IPD_EVENT=544 IPD_PEER=$B4
same "L02 K38 at which point and why" "Peer 13848" "$(fields "FAILURE_POINT REASON" MESSAGE_ID=$UNTRUSTED_ID)"
policy_off A
policy_off B
check "N03 B's policy" policy_on B $A4

check "N03 A's policy for nobody" policy_on A 192.0.2.77
refuse "K27 nobody there: no packet arrives" ping_to 192.0.2.77 1
check "K27 L02 A says that there is no response (547, 13813)" wait_for 90 has_entry \
	MESSAGE_ID=$FAILED_ID IPD_EVENT=547 IPD_PEER=192.0.2.77 IPD_REASON=13813 IPD_FAILURE_POINT=Peer
same "K27 L02 in words" "no response from peer" "$(fields REASON_TEXT MESSAGE_ID=$FAILED_ID IPD_PEER=192.0.2.77)"

# --- soft associations --------------------------------------------------------------------------
policy_off A
check "N03 A's policy for nobody" policy_on A 192.0.2.78
check "F27 A may talk to it in clear" ctl A dynamic set qmpolicy name=test soft=yes
refuse "F27 nobody there: no packet arrives" ping_to 192.0.2.78 1
check "L04 the soft association has its record" wait_for 90 has_entry MESSAGE_ID=$SOFT_ID IPD_PEER=192.0.2.78
same "L04 without protection" "None None None" \
	"$(fields "ESP_ALGORITHM AH_ALGORITHM ENCAPSULATION" MESSAGE_ID=$SOFT_ID)"
# as ipsec-policy-agent(8) has it
list() { journalctl -o cat --output-fields=IPD_PEER "MESSAGE_ID=$1" | sort -u; }
check "L05 the manual has these lines" eval \
	'[ "$(grep -c "journalctl -o cat --output-fields=IPD_PEER" "$TOP/Documentation/man/ipsec-policy-agent.8")" = 2 ]'
same "L05 the list of hard peers" $B4 "$(list $QM_ID)"
same "L05 the list of soft peers" 192.0.2.78 "$(list $SOFT_ID)"
policy_off A

# --- oakley.log ---------------------------------------------------------------------------------
lines() { wc -l <"$1"; }
has_line() { grep -Eq "$2" "$1"; } # FILE PATTERN
FORM='^[ 1][0-9]-[0-9]{2}: [0-9]{2}:[0-9]{2}:[0-9]{2}:[0-9]{3}:'
check "N03 A's policy" policy_on A $B4
refuse "L08 by default there is none" test -e "$OAKLEY"
check "L08 L11 N21 it is switched on" ctl A dynamic set config property=ikelogging value=1
check "L08 a ping is negotiated for" ping_to $B4
check "L08 L11 at once there are the steps" wait_for 20 has_line "$OAKLEY" "$FORM$(service_pid A ipsec-ike) $B4: quick mode: established"
logged() { sed -n 's/.*: quick mode: .*SPI \(0x[0-9a-f]*\) in, \(0x[0-9a-f]*\) out.*/\1 \2/p' "$OAKLEY" | tail -n 1 |
	xargs -n 1 | sort | xargs; }
in_driver() { on A ipdtool sas | grep -o ' spi=[^ ]*' | cut -d= -f2 | sort | xargs; }
check "A25 with the association that the driver got, by its SPIs" wait_for 20 eval \
	'[ -n "$(logged)" ] && [ "$(logged)" = "$(in_driver)" ]'
check "L08 from the first on" has_line "$OAKLEY" "$B4: acquire [0-9]+: $A4/32 -> $B4/32"
check "L08 messages of both directions" eval 'has_line "$OAKLEY" "$B4: sent main mode" && has_line "$OAKLEY" "$B4: received quick mode"'
same "L08 every line has its form" 0 "$(grep -Evc "$FORM" "$OAKLEY")"
same "L08 it is root's alone" "600 700" "$(stat -c %a "$OAKLEY") $(stat -c %a "$TMP/log")"
refuse "L08 no key is in it" grep -qF "$PSK" "$OAKLEY"
check "L11 N21 it is switched off" ctl A dynamic set config ikelogging 0
was=$(lines "$OAKLEY") ended=$(count IPD_EVENT=543)
policy_off A
wait_for 20 has_more "$ended" IPD_EVENT=543
same "L11 at once: the end of main mode is not in it" "$was" "$(lines "$OAKLEY")"

echo "EnableLogging = 1
DisableIKEAudits = 1
EnableDOSProtect = 1
OakleyLog = $OAKLEY" >"$TMP/A.conf"
rm -f "$TMP/state-A/config"
need agent_again TERM
check "A24 L06 the agent has stopped (614)" has_entry MESSAGE_ID=$STOPPED_ID IPD_EVENT=614
same "L09 the restart kept the log" "$was" "$(lines "$OAKLEY.sav")"
audits() { count IPD_EVENT=54{1,2,3,4,5,6,7}; } # one of the values
was=$(audits)
check "N03 A's policy" policy_on A $B4
check "L08 L14 a ping is negotiated for" ping_to $B4
check "K44 L08 L14 EnableLogging=1 makes the log" wait_for 20 has_line "$OAKLEY" "$B4: quick mode: established"
policy_off A
wait_for 20 has_line "$OAKLEY" "$B4: main mode ended"
challenges() { ctl A --json dynamic show stats | jq '[.. | .cookiechallenges? // empty] | add'; }
same "L14 nobody began with A until now" 0 "$(challenges)"
check "N03 A's policy" policy_on A $B4
check "L14 B begins" on B ping -c 1 -W "$(secs 10)" $A4
check "L14 EnableDOSProtect=1: it had to return a cookie, though ipsec-ike was not restarted" \
	[ "$(challenges)" -ge 1 ]
policy_off A
same "L03 without the audit there are no records of it" "$was" "$(audits)"

# --- a log that cannot be written ---------------------------------------------------------------
stop A-ipsec-policy-agent TERM
chmod 777 "$TMP/log"
was=$(lines "$OAKLEY")
agent_up
check "N03 A's policy" policy_on A $B4
check "L08 where others may write there is no log, but IKE" ping_to $B4
check "L08 of which one warning tells" wait_for 20 eval \
	'[ "$(journalctl -t ipsec-policy-agent | grep -c "cannot be written (it, or its directory, is not ours alone): IKE goes on")" = 1 ]'
same "L08 and nothing was written" "$was" "$(lines "$OAKLEY")"
check "L07 ipsec-ike has entries of its own" eval 'service_log A ipsec-ike | grep -q "connected to the policy agent"'

check_world
finish
