/* SPDX-License-Identifier: MIT */
/* The value types that commands share. */
#ifndef CTL_TYPES_H
#define CTL_TYPES_H

#include "ctl/command.h"

extern const struct ctl_value_type ctl_type_text;		/* a description */
extern const struct ctl_value_type ctl_type_file;
extern const struct ctl_value_type ctl_type_name;		/* a new object */
extern const struct ctl_value_type ctl_type_mmpolicy;		/* an existing one */
extern const struct ctl_value_type ctl_type_qmpolicy;
extern const struct ctl_value_type ctl_type_policy;		/* those of the store */
extern const struct ctl_value_type ctl_type_rule;
extern const struct ctl_value_type ctl_type_filterlist;
extern const struct ctl_value_type ctl_type_filteraction;
extern const struct ctl_value_type ctl_type_address;
extern const struct ctl_value_type ctl_type_ip;
extern const struct ctl_value_type ctl_type_tunnel;
extern const struct ctl_value_type ctl_type_mask;
extern const struct ctl_value_type ctl_type_protocol;
extern const struct ctl_value_type ctl_type_port;
extern const struct ctl_value_type ctl_type_bool;
extern const struct ctl_value_type ctl_type_action;
extern const struct ctl_value_type ctl_type_conntype;
extern const struct ctl_value_type ctl_type_main_mode;
extern const struct ctl_value_type ctl_type_mm_methods;
extern const struct ctl_value_type ctl_type_qm_methods;
extern const struct ctl_value_type ctl_type_offers;	/* of a filter action */
extern const struct ctl_value_type ctl_type_number;
extern const struct ctl_value_type ctl_type_rule_id;
extern const struct ctl_value_type ctl_type_minutes;
extern const struct ctl_value_type ctl_type_polling;
extern const struct ctl_value_type ctl_type_soft_seconds;
extern const struct ctl_value_type ctl_type_soft_sa;	/* of a stored policy */
extern const struct ctl_value_type ctl_type_pfs_group;
extern const struct ctl_value_type ctl_type_psk;
extern const struct ctl_value_type ctl_type_interface;
extern const struct ctl_value_type ctl_type_root_ca;
extern const struct ctl_value_type ctl_type_format;
extern const struct ctl_value_type ctl_type_level;
extern const struct ctl_value_type ctl_type_filter_type;
extern const struct ctl_value_type ctl_type_rule_type;
extern const struct ctl_value_type ctl_type_stats_type;
extern const struct ctl_value_type ctl_type_property;
extern const struct ctl_value_type ctl_type_config_value;
extern const struct ctl_value_type ctl_type_direction;
extern const struct ctl_value_type ctl_type_batch_mode;
extern const struct ctl_value_type ctl_type_store;
extern const struct ctl_value_type ctl_type_release;
extern const struct ctl_value_type ctl_type_guid;

/* Tags that most "show" commands end with. */
#define CTL_TAG_FORMAT { "format", &ctl_type_format, 0, "list", \
	"one block of lines, or one line, per object" }
#define CTL_TAG_WIDE { "wide", &ctl_type_bool, 0, "no", \
	"all columns of a table, for wide screens" }
#define CTL_TAG_RESOLVEDNS { "resolvedns", &ctl_type_bool, 0, "no", \
	"show DNS names beside addresses, but not in JSON" }

#endif /* CTL_TYPES_H */
