// SPDX-License-Identifier: MIT
#include "agent/events.h"

#include <inttypes.h>
#include <stdio.h>

#include "agent/dynamic.h"
#include "agent/translate.h"
#include "base/log.h"
#include "nl/names_gen.h"
#include "policy/text.h"

#define NUMBER_LEN 24

struct numbers {
	char event[NUMBER_LEN];
	char reason[NUMBER_LEN];
	char filter[NUMBER_LEN];
	char spi_in[NUMBER_LEN];
	char spi_out[NUMBER_LEN];
};

struct row {
	const char *id;
	unsigned int number;	/* of the original's event; 0: it has none */
	int level;
	const char *mode;
};

static const struct row rows[IKE_EVENT_COUNT] = {
	[IKE_EVENT_MM_ESTABLISHED] = { EVENT_ID_MM_ESTABLISHED, 541, LOG_INFO, "main mode" },
	[IKE_EVENT_QM_ESTABLISHED] = { EVENT_ID_QM_ESTABLISHED, 541, LOG_INFO, "quick mode" },
	[IKE_EVENT_QM_DELETED] = { EVENT_ID_QM_ENDED, 542, LOG_INFO, "quick mode" },
	[IKE_EVENT_MM_DELETED] = { EVENT_ID_MM_ENDED, 543, LOG_INFO, "main mode" },
	[IKE_EVENT_MM_FAILED] = { EVENT_ID_IKE_FAILED, 547, LOG_WARNING, "main mode" },
	[IKE_EVENT_QM_FAILED] = { EVENT_ID_IKE_FAILED, 547, LOG_WARNING, "quick mode" },
	[IKE_EVENT_SEND_FAILED] = { EVENT_ID_SEND_FAILED, 0, LOG_WARNING, "sending" },
};

static struct row row_of(const struct ike_event *event)
{
	struct row row = rows[event->kind];

	if (event->kind == IKE_EVENT_MM_FAILED && event->reason == IKE_REASON_CREDENTIALS) {
		row.id = EVENT_ID_AUTH_FAILED;
		row.number = 545;
	}
	return row;
}

/* "ESP 3DES/SHA1" or "AH SHA1 + ESP None/SHA1" */
static void print_suites(FILE *file, const struct ike_suite *suites, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ike_suite *s = &suites[i];

		fprintf(file, "%s", i ? " + " : "");
		if (s->protocol == IKE_PROTOCOL_AH)
			fprintf(file, "AH %s", translate_hash_name(s->hash));
		else
			fprintf(file, "ESP %s/%s", translate_cipher_name(s->cipher, s->key_bits),
				translate_hash_name(s->hash));
	}
}

static void print_mm(FILE *file, const struct ike_mm_info *mm)
{
	if (!mm || !mm->has_proposal)
		return;
	fprintf(file, ", %s-%s-%u, %s, lifetime %u s",
		translate_cipher_name(mm->proposal.cipher, mm->proposal.key_bits),
		translate_hash_name(mm->proposal.hash), mm->proposal.group, ike_auth_name(mm->auth),
		mm->life_seconds);
}

static void print_qm(FILE *file, const struct ike_qm_info *qm)
{
	char protocol[POLICY_PROTOCOL_STRLEN];

	if (!qm)
		return;
	if (qm->n_suites) {
		fprintf(file, ", ");
		print_suites(file, qm->suites, qm->n_suites);
	}
	for (size_t i = 0; i < qm->n_suites; i++)
		fprintf(file, ", SPI 0x%08x in, 0x%08x out", qm->spi_in[i], qm->spi_out[i]);
	fprintf(file, ", filter %u, protocol %s, ports %u %u, lifetime %u s %u KB", qm->filter_id,
		policy_protocol_format(qm->selector.protocol, protocol), qm->selector.local_port,
		qm->selector.remote_port, qm->life_seconds, qm->life_kbytes);
}

static void describe(const struct ike_event *event, const struct row *row, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *file = fmemopen(buf, size, "w");

	buf[0] = '\0';
	if (!file)
		return;
	switch (event->kind) {
	case IKE_EVENT_MM_ESTABLISHED:
	case IKE_EVENT_QM_ESTABLISHED:
		fprintf(file, "%s established", row->mode);
		break;
	case IKE_EVENT_MM_DELETED:
	case IKE_EVENT_QM_DELETED:
		fprintf(file, "%s ended: %s", row->mode, event->text);
		break;
	case IKE_EVENT_MM_FAILED:
	case IKE_EVENT_QM_FAILED:
		fprintf(file, "%s failed: %s (%d), failure point: %s", row->mode, event->text,
			event->reason, event->failed_at_peer ? "peer" : "me");
		break;
	case IKE_EVENT_SEND_FAILED:
		fprintf(file, "%s failed: %s", row->mode, event->text);
		break;
	case IKE_EVENT_COUNT:
		break;
	}
	if (event->kind == IKE_EVENT_MM_ESTABLISHED)
		print_mm(file, event->mm);
	print_qm(file, event->qm);
	if (event->suppressed)
		fprintf(file, " (and %u more like this)", event->suppressed);
	fflush(file);
	buf[size - 1] = '\0';
}

static void print_numbers(const struct ike_event *event, const struct row *row,
			  struct numbers *numbers)
{
	const struct ike_qm_info *qm = event->qm;

	snprintf(numbers->event, NUMBER_LEN, "%u", row->number);
	snprintf(numbers->reason, NUMBER_LEN, "%d", event->reason);
	snprintf(numbers->filter, NUMBER_LEN, "%u", qm ? qm->filter_id : 0);
	snprintf(numbers->spi_in, NUMBER_LEN, "0x%08x", qm && qm->n_suites ? qm->spi_in[0] : 0);
	snprintf(numbers->spi_out, NUMBER_LEN, "0x%08x", qm && qm->n_suites ? qm->spi_out[0] : 0);
}

void event_ike(const struct ike_event *event, const struct dynamic_rule *rule)
{
	struct row row = row_of(event);
	char peer[IP_ADDR_STRLEN], local[IP_ADDR_STRLEN], text[1024];
	struct numbers numbers;
	const struct ike_qm_info *qm = event->qm;

	ip_addr_format(&event->path.remote, peer);
	ip_addr_format(&event->path.local, local);
	describe(event, &row, text, sizeof(text));
	print_numbers(event, &row, &numbers);
	log_event(row.level,
		  FIELDS({ "MESSAGE_ID", row.id },
			 { "IPD_EVENT", row.number ? numbers.event : NULL },
			 { "IPD_PEER", peer },
			 { "IPD_LOCAL", local },
			 { "IPD_REASON", event->reason ? numbers.reason : NULL },
			 { "IPD_FILTER", qm && qm->filter_id ? numbers.filter : NULL },
			 { "IPD_SPI", qm && qm->n_suites ? numbers.spi_in : NULL },
			 { "IPD_SPI_OUT", qm && qm->n_suites ? numbers.spi_out : NULL },
			 { "IPD_MM_POLICY", rule && rule->mm ? rule->mm->policy->name : NULL },
			 { "IPD_QM_POLICY", rule && rule->qm ? rule->qm->policy->name : NULL }),
		  "peer %s: %s", peer, text);
}

void event_soft_sa(const struct ike_path *path, uint32_t filter_id, uint32_t seconds)
{
	char peer[IP_ADDR_STRLEN], filter[NUMBER_LEN];

	snprintf(filter, sizeof(filter), "%u", filter_id);
	ip_addr_format(&path->remote, peer);
	log_event(
		LOG_NOTICE,
		FIELDS({ "MESSAGE_ID", EVENT_ID_SOFT_SA }, { "IPD_EVENT", "541" },
		       { "IPD_PEER", peer }, { "IPD_FILTER", filter }),
		"peer %s: does not answer IKE, talking in clear for %u s as the quick mode policy "
		"of filter %u allows",
		peer, seconds, filter_id);
}

void event_refused(const char *what, const struct ike_path *path, uint32_t filter_id,
		   const char *why)
{
	char peer[IP_ADDR_STRLEN], filter[NUMBER_LEN];

	snprintf(filter, sizeof(filter), "%u", filter_id);
	ip_addr_format(&path->remote, peer);
	log_event(LOG_WARNING,
		  FIELDS({ "MESSAGE_ID", EVENT_ID_SA_REFUSED }, { "IPD_PEER", peer },
			 { "IPD_FILTER", filter }),
		  "peer %s: ipsec-ike asked for %s that policy does not allow: %s; refused", peer,
		  what, why);
}

void event_policy_applied(const char *layer, size_t n_rules, size_t n_filters)
{
	log_event(LOG_INFO,
		  FIELDS({ "MESSAGE_ID", EVENT_ID_POLICY_APPLIED }, { "IPD_LAYER", layer }),
		  "%s policy applied: %zu rules, %zu filters in the driver", layer, n_rules,
		  n_filters);
}

void event_policy_failed(const char *layer, const char *why)
{
	log_event(LOG_ERR, FIELDS({ "MESSAGE_ID", EVENT_ID_POLICY_FAILED }, { "IPD_LAYER", layer }),
		  "%s policy was not changed, the driver goes on with the one before: %s", layer,
		  why);
}

/* The original's event; the other startup modes had none. */
static const char *mode_number(enum ipsecdrv_mode mode)
{
	switch (mode) {
	case IPSECDRV_MODE_BLOCK:
		return "4292";
	case IPSECDRV_MODE_PERMIT:
		return "4293";
	case IPSECDRV_MODE_SECURE:
		return "4294";
	case IPSECDRV_MODE_STARTUP_PERMIT:
		return "4295";
	default:
		return NULL;
	}
}

void event_driver_mode(enum ipsecdrv_mode mode)
{
	log_event(mode == IPSECDRV_MODE_BLOCK ? LOG_WARNING : LOG_INFO,
		  FIELDS({ "MESSAGE_ID", EVENT_ID_DRIVER_MODE },
			 { "IPD_EVENT", mode_number(mode) },
			 { "IPD_MODE", nl_mode_name(mode) }),
		  "driver is in %s mode", nl_mode_name(mode));
}

void event_process(const char *name, bool is_there)
{
	log_event(is_there ? LOG_INFO : LOG_WARNING,
		  FIELDS({ "MESSAGE_ID", EVENT_ID_PROCESS }, { "IPD_PROCESS", name }),
		  is_there ? "%s is connected"
			   : "%s is gone; associations stay, negotiations wait until it is back",
		  name);
}
