/* SPDX-License-Identifier: MIT */
#ifndef NL_REMEDY_H
#define NL_REMEDY_H

/*
 * What to do about a reason that the driver gives, by its name in the netlink specification: one or
 * two sentences. Every reason has one (a test compares with the specification); NULL is for names
 * that this program does not know.
 */
const char *nl_drop_remedy(const char *reason);
const char *nl_pass_remedy(const char *reason);

#endif /* NL_REMEDY_H */
