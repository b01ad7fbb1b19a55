/* SPDX-License-Identifier: MIT */
#ifndef CTL_DRY_RUN_H
#define CTL_DRY_RUN_H

struct ctl;
struct ctl_args;

/*
 * What a dry run tells of the dynamic context: each command that would be done, without its secrets, and at
 * the end what all of them would change in the driver.
 */

/* Of a command that the agent has tried. */
void ctl_dry_run_tell_command(struct ctl *ctl, const struct ctl_args *args);
/* Nothing if none was tried. */
void ctl_dry_run_tell_driver(struct ctl *ctl);

#endif /* CTL_DRY_RUN_H */
