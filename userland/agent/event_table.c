// SPDX-License-Identifier: MIT
#include "agent/events.h"

#include <syslog.h>

const struct event_row events_table[EVENT_KIND_COUNT] = {
	[EVENT_MM_ESTABLISHED] = { "4308fa3436b24bf6a7aef4b6c4f1ce00", "541", LOG_INFO, true },
	[EVENT_QM_ESTABLISHED] = { "e88ff96607ee49d89389eec9957fe7bc", "541", LOG_INFO, true },
	[EVENT_QM_ENDED] = { "a6c9e9a3d20e4875a88719f108c39bdb", "542", LOG_INFO, true },
	[EVENT_MM_ENDED] = { "2184e7538508474cbf76d382010dd7c1", "543", LOG_INFO, true },
	[EVENT_UNTRUSTED] = { "ee06d01671aa4d47a29779c17cc267dd", "544", LOG_WARNING, true },
	[EVENT_AUTH_FAILED] = { "13da4f70cb074f88a87432947e5fa237", "545", LOG_WARNING, true },
	[EVENT_INVALID_PROPOSAL] = { "7da19fc2feeb48c9bb6948e56954e3d3", "546", LOG_WARNING, true },
	[EVENT_IKE_FAILED] = { "2349e51c096441d0ac0181d79c389418", "547", LOG_WARNING, true },
	[EVENT_SOFT_SA] = { "046186b67c7a49638c9d5a090aac8117", "541", LOG_NOTICE, true },
	[EVENT_SEND_FAILED] = { "40c59d7882b240cbac328069b2de827d", NULL, LOG_WARNING, false },
	[EVENT_SA_REFUSED] = { "433a351cae9540ab8789b7d5d677bbd6", NULL, LOG_WARNING, false },
	[EVENT_STARTED] = { "7517290bb60248df8cb1bc7c05b78c52", "613", LOG_INFO, false },
	[EVENT_STOPPED] = { "b83e508d52e94f5ea5fc9c24afc45f2b", "614", LOG_NOTICE, false },
	[EVENT_POLICY_APPLIED] = { "3eda27d235c84b64ac5c0fec99ae90ba", "615", LOG_INFO, false },
	[EVENT_POLICY_FAILED] = { "57014bda25924b4d88d243c372b35648", "615", LOG_ERR, false },
	[EVENT_SERIOUS] = { "24fe87bbe1d94c4d8e4a31244dec20f6", "616", LOG_CRIT, false },
	/* 4292 to 4295, by the mode */
	[EVENT_DRIVER_MODE] = { "062fbdcf4306460ea8a84881a9287976", NULL, LOG_INFO, false },
	/* 4283 to 4285, by the reason */
	[EVENT_DROP] = { "ba63d6dde47744309ce02db63cf68880", NULL, LOG_WARNING, false },
	[EVENT_DROP_SUMMARY] = { "442c78bb9b4042c294343b00af9ba57c", NULL, LOG_WARNING, false },
	[EVENT_PROCESS] = { "3dc1c8e23d00486184ca455fab774d34", NULL, LOG_INFO, false },
};
