// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/select.h"
#include "ctl/types.h"
#include "policy/bus.h"

static const struct ctl_tag mm_tags[] = {
	{ "srcaddr", &ctl_type_ip, 0, NULL, "only associations of this local address" },
	{ "dstaddr", &ctl_type_ip, 0, NULL, "only associations with this peer" },
	CTL_TAG_FORMAT,
	CTL_TAG_RESOLVEDNS,
	CTL_TAG_WIDE,
};

static const struct ctl_tag qm_tags[] = {
	{ "srcaddr", &ctl_type_ip, 0, NULL, "only associations for this local address" },
	{ "dstaddr", &ctl_type_ip, 0, NULL, "only associations for this remote address" },
	{ "protocol", &ctl_type_protocol, 0, NULL, "only associations for this protocol" },
	CTL_TAG_FORMAT,
	CTL_TAG_RESOLVEDNS,
	CTL_TAG_WIDE,
};

/* --- main mode ---------------------------------------------------------------------------- */

static void print_cookies(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	fprintf(file, "%s:%s", sa->initiator_cookie ?: "0", sa->responder_cookie ?: "0");
}

static void print_exchange(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	if (sa->encryption)
		fprintf(file, "%s/%s/%" PRIu32, sa->encryption, sa->integrity ?: "None", sa->group);
}

static void print_methods(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	if (!sa->encryption)
		return;
	print_exchange(file, row);
	fprintf(file, "/%" PRIu32, sa->lifetime_seconds);
}

static void print_endpoint(FILE *file, const struct ip_addr *addr, uint32_t port)
{
	char buf[IP_ADDR_STRLEN];

	fprintf(file, "%s, port %" PRIu32, ip_addr_format(addr, buf), port);
}

static void print_source(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	print_endpoint(file, &sa->source, sa->source_port);
}

static void print_destination(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	print_endpoint(file, &sa->destination, sa->destination_port);
}

static void print_state(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	fprintf(file, "%s, %s", sa->state ?: "unknown",
		sa->is_initiator ? "begun by this host" : "begun by the peer");
}

static void print_age(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	fprintf(file, "%" PRIu32 " seconds", sa->age_seconds);
}

static void print_quick_modes(FILE *file, const void *row)
{
	const struct policy_mm_sa_info *sa = row;

	fprintf(file, "%" PRIu32, sa->quick_modes);
	if (sa->quick_mode_limit)
		fprintf(file, " of %" PRIu32, sa->quick_mode_limit);
}

static const struct column mm_columns[] = {
	{ "Cookie Pair", NULL, print_cookies, COLUMN_LIST | COLUMN_WIDE },
	{ "Sec Methods", NULL, print_methods, COLUMN_LIST },
	{ "Auth Mode", "auth", NULL, COLUMN_LIST },
	{ "Source", NULL, print_source, COLUMN_LIST },
	{ "ID", "srcid", NULL, COLUMN_LIST | COLUMN_ADDRESS },
	{ "Source", "srcaddr", NULL, COLUMN_TABLE | COLUMN_ADDRESS },
	{ "Destination", NULL, print_destination, COLUMN_LIST },
	{ "ID", "dstid", NULL, COLUMN_LIST | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_TABLE | COLUMN_ADDRESS },
	{ "Auth Mode", "auth", NULL, COLUMN_TABLE },
	{ "Key Exchange", NULL, print_exchange, COLUMN_TABLE },
	{ "State", NULL, print_state, COLUMN_LIST | COLUMN_WIDE },
	{ "MM Policy", "mmpolicy", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Root CA", "rootca", NULL, COLUMN_LIST },
	{ "Age", NULL, print_age, COLUMN_LIST | COLUMN_WIDE },
	{ "Quick Modes", NULL, print_quick_modes, COLUMN_BOTH },
};

static const struct view mm_view = {
	.name = "mmsas",
	.title = "IKE Main Mode SAs",
	.none = "There are no main mode SAs.",
	.record = &policy_mm_sa_record,
	VIEW_COLUMNS(mm_columns),
};

/* --- quick mode --------------------------------------------------------------------------- */

static void print_kind(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;
	bool is_tunnel = sa->encapsulation && !strcmp(sa->encapsulation, "tunnel");

	fputs(is_tunnel ? "Tunnel" : "Transport", file);
}

static void print_encapsulation(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	fputs(sa->nat_source_port || sa->nat_destination_port ? "UDP" : "None", file);
}

static void print_nat_ports(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	if (sa->nat_source_port || sa->nat_destination_port)
		fprintf(file, "%" PRIu32 ", %" PRIu32, sa->nat_source_port,
			sa->nat_destination_port);
}

static void print_spi(FILE *file, uint32_t in, uint32_t out)
{
	fprintf(file, "0x%08" PRIx32 " in, 0x%08" PRIx32 " out", in, out);
}

static void print_ah_spi(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	if (sa->ah_integrity)
		print_spi(file, sa->ah_spi_in, sa->ah_spi_out);
}

static void print_esp_spi(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	if (sa->esp_encryption)
		print_spi(file, sa->esp_spi_in, sa->esp_spi_out);
}

static void print_qm_age(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	fprintf(file, "%" PRIu32 " seconds, idle for %" PRIu32, sa->age_seconds, sa->idle_seconds);
}

static void print_bytes(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	fprintf(file, "%" PRIu64 " in, %" PRIu64 " out", sa->bytes_in, sa->bytes_out);
}

static void print_packets(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	fprintf(file, "%" PRIu64 " in, %" PRIu64 " out", sa->packets_in, sa->packets_out);
}

static void print_lifetime(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	fprintf(file, "%" PRIu64 ":%" PRIu32, sa->lifetime_kilobytes, sa->lifetime_seconds);
}

static void print_security(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;

	if (sa->ah_integrity)
		fprintf(file, "AH[%s]%s", sa->ah_integrity, sa->esp_encryption ? "+" : "");
	if (sa->esp_encryption)
		fprintf(file, "ESP[%s,%s]", sa->esp_encryption, sa->esp_integrity ?: "None");
	/* a soft SA: what the original's monitor shows */
	if (!sa->ah_integrity && !sa->esp_encryption)
		fputs("<none>", file);
}

/* "AES(256/0)": bits of a key of variable length, and rounds, which no cipher here has */
static const char *cipher_bits(const char *name, char buf[static 24])
{
	const char *digits = name + strcspn(name, "0123456789");

	if (!name[0] || !strcasecmp(name, "None"))
		return "None";
	if (!strncasecmp(name, "AES", 3))
		snprintf(buf, 24, "%.*s(%.4s/0)", (int)(digits - name > 8 ? 8 : digits - name), name,
			 digits);
	else
		snprintf(buf, 24, "%.8s(0/0)", name);
	return buf;
}

#define GRID_COLUMNS 5

static void print_offer(FILE *file, const void *row)
{
	const struct policy_qm_sa_info *sa = row;
	char ah[24] = "None", cipher[24], pfs[12] = "none", lifetime[40];
	const char *cells[2 * GRID_COLUMNS] = {
		"AH(b/r)", "ESP Con(b/r)", "ESP Int", "PFS DH Group", "Lifetime (KB:s)",
	};

	if (sa->ah_integrity)
		snprintf(ah, sizeof(ah), "%.12s(0/0)", sa->ah_integrity);
	if (sa->pfs_group)
		snprintf(pfs, sizeof(pfs), "%" PRIu32, sa->pfs_group);
	snprintf(lifetime, sizeof(lifetime), "%" PRIu64 ":%" PRIu32, sa->lifetime_kilobytes,
		 sa->lifetime_seconds);
	cells[GRID_COLUMNS] = ah;
	cells[GRID_COLUMNS + 1] = cipher_bits(sa->esp_encryption ?: "", cipher);
	cells[GRID_COLUMNS + 2] = sa->esp_integrity ?: "None";
	cells[GRID_COLUMNS + 3] = pfs;
	cells[GRID_COLUMNS + 4] = lifetime;
	fputs("\nOffer Used\n", file);
	print_grid(file, cells, GRID_COLUMNS, 2);
}

static const struct column qm_columns[] = {
	{ "Filter", NULL, print_kind, COLUMN_LIST },
	{ "Policy Name", "qmpolicy", NULL, COLUMN_BOTH },
	{ "Source Address", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination Address", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Protocol", "protocol", NULL, COLUMN_BOTH },
	{ "Source Port", "srcport", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Destination Port", "dstport", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Security", NULL, print_security, COLUMN_TABLE },
	{ "Local Endpoint", "localendpoint", NULL, COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Remote Endpoint", "remoteendpoint", NULL, COLUMN_LIST | COLUMN_WIDE | COLUMN_ADDRESS },
	{ "Encapsulation Type", NULL, print_encapsulation, COLUMN_LIST },
	{ "NAT Ports", NULL, print_nat_ports, COLUMN_LIST },
	{ "State", "state", NULL, COLUMN_BOTH },
	{ "AH SPI", NULL, print_ah_spi, COLUMN_LIST },
	{ "ESP SPI", NULL, print_esp_spi, COLUMN_LIST },
	{ "Age", NULL, print_qm_age, COLUMN_LIST },
	{ "Packets", NULL, print_packets, COLUMN_LIST | COLUMN_WIDE },
	{ "Bytes", NULL, print_bytes, COLUMN_LIST | COLUMN_WIDE },
	{ "Lifetime", NULL, print_lifetime, COLUMN_WIDE },
};

static const struct view qm_view = {
	.name = "qmsas",
	.title = "Quick Mode SAs",
	.none = "There are no quick mode SAs.",
	.record = &policy_qm_sa_record,
	VIEW_COLUMNS(qm_columns),
	.print_tail = print_offer,
};

static enum ctl_exit show(struct ctl *ctl, const struct ctl_args *args, const char *method,
			  const struct view *view)
{
	struct layout layout = ctl_layout(args);
	void *rows = NULL;
	size_t n = 0, selected;
	enum ctl_exit ret;

	ret = ctl_list_records(ctl, method, NULL, view->record, &rows, &n);
	selected = n;
	if (!ret)
		ret = ctl_select_rows(ctl, args, view->record, rows, &selected);
	if (!ret)
		ret = ctl_print_view(ctl, &layout, view, rows, selected);
	ctl_rows_free(view->record, rows, n);
	return ret;
}

static enum ctl_exit run_mm(struct ctl *ctl, const struct ctl_args *args)
{
	return show(ctl, args, "ListMmSas", &mm_view);
}

static enum ctl_exit run_qm(struct ctl *ctl, const struct ctl_args *args)
{
	return show(ctl, args, "ListQmSas", &qm_view);
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic show mmsas",
		.text = "print main mode security associations",
		.remarks = "Sec Methods is encryption, integrity, Diffie-Hellman group and lifetime "
			   "in seconds.",
		.examples = "  dynamic show mmsas all\n"
			    "  dynamic show mmsas dstaddr=10.0.0.2 format=table\n",
		CTL_TAGS(mm_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_mm,
	},
	{
		.path = "dynamic show qmsas",
		.text = "print quick mode security associations, in pairs",
		.examples = "  dynamic show qmsas all\n"
			    "  dynamic show qmsas dstaddr=10.0.0.2 resolvedns=yes\n",
		CTL_TAGS(qm_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_qm,
	},
};

const struct ctl_command_set ctl_sas_set = CTL_COMMAND_SET(commands);
