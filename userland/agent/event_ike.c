// SPDX-License-Identifier: MIT
/*
 * The audit of IKE: events 541 to 547 of the original's Security log, with their parts in their
 * order: mode, peer identity, filter, parameters; of a failure its point and its reason.
 *
 *	peer 192.0.2.2: quick mode established; Data Protection Mode (Quick Mode); peer identity:
 *	preshared key ID 192.0.2.2; filter 3: source 192.0.2.1 mask 255.255.255.255, ...; ESP
 *	AES128, HMAC SHA256, AH None, transport mode, inbound SPI 0x..., ...
 */
#include "agent/event_entry.h"

#include <sys/socket.h>

#include "agent/ruleset.h"
#include "agent/translate.h"
#include "policy/address.h"
#include "policy/text.h"

#define MODE_MAIN	"Key Exchange Mode (Main Mode)"
/* In the line, so that a peer with a long name leaves room for the rest. */
#define NAME_FORMAT	"%.200s"
#define MODE_QUICK	"Data Protection Mode (Quick Mode)"
#define SOFT_SA_TORN_DOWN 13845	/* the original's number; no negotiation has it as its reason */

/* --- which event it is -------------------------------------------------------------------- */

/* The proof may have been good, but nobody whom we trust vouches for it. */
static bool is_trust(enum ike_reason reason)
{
	switch (reason) {
	case IKE_REASON_REVOKED:
	case IKE_REASON_KEY_USAGE:
	case IKE_REASON_CERT_TYPE:
	case IKE_REASON_NO_PUBLIC_KEY:
	case IKE_REASON_NO_PEER_CERTIFICATE:
	case IKE_REASON_PEER_CRL:
	case IKE_REASON_KEY_TOO_SHORT:
	case IKE_REASON_NOT_IN_POLICY:
		return true;
	default:
		return false;
	}
}

/* The peer has another key than we, or says that we have. */
static bool is_proof(enum ike_reason reason)
{
	return reason == IKE_REASON_CREDENTIALS || reason == IKE_REASON_SIGNATURE ||
	       reason == IKE_REASON_KERBEROS;
}

static enum event_kind kind_of_failure(const struct ike_event *event)
{
	if (event->mismatch)
		return EVENT_INVALID_PROPOSAL;
	if (event->kind == IKE_EVENT_MM_FAILED && event->failed_at_peer) {
		if (is_trust(event->reason))
			return EVENT_UNTRUSTED;
		if (is_proof(event->reason))
			return EVENT_AUTH_FAILED;
	}
	return EVENT_IKE_FAILED;
}

static enum event_kind kind_of(const struct ike_event *event)
{
	switch (event->kind) {
	case IKE_EVENT_MM_ESTABLISHED:
		return EVENT_MM_ESTABLISHED;
	case IKE_EVENT_QM_ESTABLISHED:
		return EVENT_QM_ESTABLISHED;
	case IKE_EVENT_QM_DELETED:
		return EVENT_QM_ENDED;
	case IKE_EVENT_MM_DELETED:
		return EVENT_MM_ENDED;
	case IKE_EVENT_SEND_FAILED:
		return EVENT_SEND_FAILED;
	case IKE_EVENT_MM_FAILED:
	case IKE_EVENT_QM_FAILED:
	case IKE_EVENT_COUNT:
		break;
	}
	return kind_of_failure(event);
}

static bool is_quick(const struct ike_event *event)
{
	return event->kind == IKE_EVENT_QM_ESTABLISHED || event->kind == IKE_EVENT_QM_DELETED ||
	       event->kind == IKE_EVENT_QM_FAILED;
}

/* --- the parts ---------------------------------------------------------------------------- */

static void add_head(struct event_entry *entry, const struct ike_event *event)
{
	const char *mode = is_quick(event) ? "quick mode" : "main mode";
	char peer[IP_ADDR_STRLEN];

	event_say(entry, "peer %s: ", ip_addr_format(&event->path.remote, peer));
	switch (event->kind) {
	case IKE_EVENT_MM_ESTABLISHED:
	case IKE_EVENT_QM_ESTABLISHED:
		event_say(entry, "%s established", mode);
		break;
	case IKE_EVENT_MM_DELETED:
	case IKE_EVENT_QM_DELETED:
		event_say(entry, "%s ended: %s", mode, event->text);
		break;
	case IKE_EVENT_MM_FAILED:
	case IKE_EVENT_QM_FAILED:
		event_say(entry, "%s failed: %s (%d), failure point: %s", mode, event->text,
			  event->reason, event->failed_at_peer ? "peer" : "me");
		break;
	case IKE_EVENT_SEND_FAILED:
		event_say(entry, "sending failed: %s", event->text);
		break;
	case IKE_EVENT_COUNT:
		break;
	}
}

static void add_path(struct event_entry *entry, const struct ike_path *path)
{
	event_field_addr(entry, "IPD_PEER", &path->remote);
	event_field(entry, "IPD_PEER_PORT", "%u", path->remote_port);
	event_field_addr(entry, "IPD_LOCAL", &path->local);
	event_field(entry, "IPD_LOCAL_PORT", "%u", path->local_port);
}

static void add_mode(struct event_entry *entry, const char *mode)
{
	event_field(entry, "IPD_IKE_MODE", "%s", mode);
	event_say(entry, "; %s", mode);
}

/* What kind of name a peer that authenticates like this has. */
static const char *identity_kind(enum ike_auth auth)
{
	switch (auth) {
	case IKE_AUTH_PSK:
		return "Preshared key ID";
	case IKE_AUTH_RSA_SIG:
	case IKE_AUTH_ECDSA_256:
	case IKE_AUTH_ECDSA_384:
		return "Certificate based Identity";
	case IKE_AUTH_KERBEROS:
		return "Kerberos based Identity";
	case IKE_AUTH_NONE:
	case IKE_AUTH_COUNT:
		break;
	}
	return "Identity";
}

static void add_identity(struct event_entry *entry, const struct ike_mm_info *mm)
{
	char address[IP_ADDR_STRLEN];
	const char *kind, *name;

	if (!mm)
		return;
	kind = identity_kind(mm->auth);
	name = mm->remote_name ? mm->remote_name : ip_addr_format(&mm->remote_id, address);
	event_field(entry, "IPD_PEER_ID_KIND", "%s", kind);
	event_field(entry, "IPD_PEER_ID", "%s", name);
	event_say(entry, "; peer identity: %s " NAME_FORMAT, kind, name);
	if (mm->authority) {
		event_field(entry, "IPD_PEER_AUTHORITY", "%s", mm->authority);
		event_say(entry, ", authority: " NAME_FORMAT, mm->authority);
	}
	if (mm->local_name) {
		event_field(entry, "IPD_LOCAL_ID", "%s", mm->local_name);
		event_say(entry, ", ours: " NAME_FORMAT, mm->local_name);
	}
}

/* The protocol in words is for people; 0 is any, as everywhere. */
static void add_filter(struct event_entry *entry, const struct ike_selector *s, uint32_t filter_id)
{
	struct ip_addr local_mask = policy_mask_from_prefix(s->local.family, s->local_prefix);
	struct ip_addr remote_mask = policy_mask_from_prefix(s->remote.family, s->remote_prefix);
	char local[IP_ADDR_STRLEN], remote[IP_ADDR_STRLEN], mask[IP_ADDR_STRLEN];
	char protocol[POLICY_PROTOCOL_STRLEN];

	event_field_addr(entry, "IPD_SOURCE", &s->local);
	event_field_addr(entry, "IPD_SOURCE_MASK", &local_mask);
	event_field_addr(entry, "IPD_DESTINATION", &s->remote);
	event_field_addr(entry, "IPD_DESTINATION_MASK", &remote_mask);
	event_field(entry, "IPD_PROTOCOL", "%u", s->protocol);
	event_field(entry, "IPD_SOURCE_PORT", "%u", s->local_port);
	event_field(entry, "IPD_DESTINATION_PORT", "%u", s->remote_port);
	event_say(entry, "; filter");
	if (filter_id) {
		event_field(entry, "IPD_FILTER", "%u", filter_id);
		event_say(entry, " %u", filter_id);
	}
	event_say(entry, ": source %s mask %s,", ip_addr_format(&s->local, local),
		  ip_addr_format(&local_mask, mask));
	event_say(entry, " destination %s mask %s, protocol %s, ports %u %u",
		  ip_addr_format(&s->remote, remote), ip_addr_format(&remote_mask, mask),
		  policy_protocol_format(s->protocol, protocol), s->local_port, s->remote_port);
}

/* Main mode knows hosts only. */
static struct ike_selector selector_of(const struct ike_path *path)
{
	uint8_t bits = (uint8_t)(8 * ip_addr_len(&path->local));

	return (struct ike_selector){
		.local = path->local, .remote = path->remote,
		.local_prefix = bits, .remote_prefix = bits,
	};
}

static void add_lifetime(struct event_entry *entry, uint32_t seconds, uint32_t kbytes)
{
	event_field(entry, "IPD_LIFETIME_SECONDS", "%u", seconds);
	event_field(entry, "IPD_LIFETIME_KBYTES", "%u", kbytes);
	event_say(entry, ", lifetime %u s %u KB", seconds, kbytes);
}

static void add_mm_parameters(struct event_entry *entry, const struct ike_mm_info *mm)
{
	const struct ike_mm_proposal *p = &mm->proposal;
	const char *cipher = translate_cipher_name(p->cipher, p->key_bits);
	const char *hash = translate_hash_name(p->hash), *auth = ike_auth_name(mm->auth);
	const char *role = mm->is_initiator ? "Initiator" : "Responder";

	event_field(entry, "IPD_ROLE", "%s", role);
	if (!mm->has_proposal)
		return;
	event_field(entry, "IPD_ENCRYPTION_ALGORITHM", "%s", cipher);
	event_field(entry, "IPD_HASH_ALGORITHM", "%s", hash);
	event_field(entry, "IPD_DH_GROUP", "%u", p->group);
	event_field(entry, "IPD_AUTHENTICATION", "%s", auth);
	event_say(entry, "; %s, %s-%s-%u, %s", role, cipher, hash, p->group, auth);
	add_lifetime(entry, mm->life_seconds, 0);
}

/* AH is outside and comes first, so in a bundle its SPIs do. */
static void add_spis(struct event_entry *entry, const struct ike_qm_info *qm)
{
	for (size_t i = 0; i < qm->n_suites; i++) {
		event_field(entry, "IPD_SPI_IN", "0x%08x", qm->spi_in[i]);
		event_field(entry, "IPD_SPI_OUT", "0x%08x", qm->spi_out[i]);
		event_say(entry, ", SPI 0x%08x in, 0x%08x out", qm->spi_in[i], qm->spi_out[i]);
	}
}

static void add_protection(struct event_entry *entry, const struct ike_suite *suites, size_t n,
			   const char *encapsulation)
{
	const char *esp = "None", *hmac = "None", *ah = "None";

	for (size_t i = 0; i < n; i++) {
		if (suites[i].protocol == IKE_PROTOCOL_AH) {
			ah = translate_hash_name(suites[i].hash);
			continue;
		}
		esp = translate_cipher_name(suites[i].cipher, suites[i].key_bits);
		hmac = translate_hash_name(suites[i].hash);
	}
	event_field(entry, "IPD_ESP_ALGORITHM", "%s", esp);
	event_field(entry, "IPD_HMAC_ALGORITHM", "%s", hmac);
	event_field(entry, "IPD_AH_ALGORITHM", "%s", ah);
	event_field(entry, "IPD_ENCAPSULATION", "%s", encapsulation);
	event_say(entry, "ESP %s, HMAC %s, AH %s, encapsulation %s", esp, hmac, ah, encapsulation);
}

static void add_qm_parameters(struct event_entry *entry, const struct ike_qm_info *qm)
{
	const char *role = qm->is_initiator ? "Initiator" : "Responder";

	event_field(entry, "IPD_ROLE", "%s", role);
	event_say(entry, "; %s", role);
	if (!qm->n_suites)
		return;
	event_say(entry, ", ");
	add_protection(entry, qm->suites, qm->n_suites,
		       qm->encapsulation == IKE_ENCAPSULATION_TUNNEL ? "Tunnel Mode" :
								       "Transport Mode");
	event_field(entry, "IPD_PFS_GROUP", "%u", qm->pfs_group);
	event_say(entry, ", PFS group %u", qm->pfs_group);
	add_spis(entry, qm);
	if (qm->life_seconds || qm->life_kbytes)
		add_lifetime(entry, qm->life_seconds, qm->life_kbytes);
}

static void add_reason(struct event_entry *entry, const struct ike_event *event)
{
	if (!event->reason)
		return;
	event_field(entry, "IPD_REASON", "%d", event->reason);
	event_field(entry, "IPD_REASON_TEXT", "%s", event->text);
	if (event->kind == IKE_EVENT_MM_FAILED || event->kind == IKE_EVENT_QM_FAILED)
		event_field(entry, "IPD_FAILURE_POINT", "%s",
			    event->failed_at_peer ? "Peer" : "Me");
}

static void add_mismatch(struct event_entry *entry, const struct ike_mismatch *mismatch)
{
	if (!mismatch)
		return;
	event_field(entry, "IPD_ATTRIBUTE", "%s", mismatch->attribute);
	event_field(entry, "IPD_EXPECTED", "%s", mismatch->expected);
	event_field(entry, "IPD_RECEIVED", "%s", mismatch->received);
	event_say(entry, "; attribute: %s, expected value: %s, received value: %s",
		  mismatch->attribute, mismatch->expected, mismatch->received);
}

static void add_rule(struct event_entry *entry, const struct ruleset_rule *rule)
{
	const struct ruleset_treatment *treatment = rule ? rule->treatment : NULL;

	if (treatment && treatment->mm)
		event_field(entry, "IPD_MM_POLICY", "%s", treatment->mm->policy->name);
	if (treatment && treatment->qm)
		event_field(entry, "IPD_QM_POLICY", "%s", treatment->qm->policy->name);
}

/* --- whole events ------------------------------------------------------------------------- */

static void add_main(struct event_entry *entry, const struct ike_event *event)
{
	struct ike_selector hosts = selector_of(&event->path);

	add_mode(entry, MODE_MAIN);
	add_identity(entry, event->mm);
	add_filter(entry, &hosts, 0);
	if (event->mm)
		add_mm_parameters(entry, event->mm);
}

static void add_quick(struct event_entry *entry, const struct ike_event *event)
{
	add_mode(entry, MODE_QUICK);
	add_identity(entry, event->mm);
	if (!event->qm)
		return;
	add_filter(entry, &event->qm->selector, event->qm->filter_id);
	add_qm_parameters(entry, event->qm);
}

void event_ike(const struct ike_event *event, const struct ruleset_rule *rule)
{
	struct event_entry entry;

	event_begin(&entry, kind_of(event));
	add_head(&entry, event);
	add_path(&entry, &event->path);
	add_reason(&entry, event);
	add_mismatch(&entry, event->mismatch);
	if (is_quick(event))
		add_quick(&entry, event);
	else if (event->kind != IKE_EVENT_SEND_FAILED)
		add_main(&entry, event);
	add_rule(&entry, rule);
	if (event->suppressed) {
		event_field(&entry, "IPD_LEFT_OUT", "%u", event->suppressed);
		event_say(&entry, " (and %u more like this)", event->suppressed);
	}
	event_end(&entry);
}

/* --- without IKE -------------------------------------------------------------------------- */

static void begin_soft(struct event_entry *entry, enum event_kind kind,
		       const struct ike_selector *selector)
{
	char peer[IP_ADDR_STRLEN];

	event_begin(entry, kind);
	event_say(entry, "peer %s: ", ip_addr_format(&selector->remote, peer));
	event_field_addr(entry, "IPD_PEER", &selector->remote);
	event_field_addr(entry, "IPD_LOCAL", &selector->local);
}

static void end_soft(struct event_entry *entry, const struct ike_selector *selector,
		     uint32_t filter_id)
{
	add_mode(entry, MODE_QUICK);
	add_filter(entry, selector, filter_id);
	event_say(entry, "; ");
	add_protection(entry, NULL, 0, "None");
}

void event_soft_sa(const struct ike_selector *selector, uint32_t filter_id, uint32_t seconds)
{
	struct event_entry entry;

	begin_soft(&entry, EVENT_SOFT_SA, selector);
	event_say(&entry,
		  "does not answer IKE, talking in clear for %u s as the quick mode policy of "
		  "filter %u allows",
		  seconds, filter_id);
	end_soft(&entry, selector, filter_id);
	add_lifetime(&entry, seconds, 0);
	event_end(&entry);
}

void event_soft_ended(const struct ike_selector *selector, uint32_t filter_id, const char *why)
{
	struct event_entry entry;

	begin_soft(&entry, EVENT_SOFT_SA_ENDED, selector);
	event_say(&entry, "soft association ended: %s", why);
	event_field(&entry, "IPD_REASON", "%d", SOFT_SA_TORN_DOWN);
	event_field(&entry, "IPD_REASON_TEXT", "%s", why);
	end_soft(&entry, selector, filter_id);
	event_end(&entry);
}
