// SPDX-License-Identifier: MIT
#include "nl/remedy.h"

#include <stddef.h>

#include <linux/ipsecdrv.h>

#include "nl/names_gen.h"

static const char *const drop_remedies[] = {
	[IPSECDRV_DROP_NONE] = "Nothing is to be done.",
	[IPSECDRV_DROP_MODE_BLOCK] =
		"The agent could not apply the persistent policy; its log says why "
		"(journalctl -u ipsec-policy-agent). Mend the policy and restart the agent.",
	[IPSECDRV_DROP_STARTUP] =
		"Start the policy agent; it ends the startup mode. \"dynamic set config bootmode\" "
		"and \"bootexemptions\" choose what passes before that.",
	[IPSECDRV_DROP_FILTER_BLOCK] =
		"This is what the policy asks for. If it is not meant, delete the rule, or add a more "
		"specific one that permits or negotiates.",
	[IPSECDRV_DROP_CLEAR_TEXT] =
		"The peer has to secure this traffic: give it the mirrored policy with the same "
		"methods and key. To accept clear text from it, set actioninbound=permit.",
	[IPSECDRV_DROP_UNJUDGED] =
		"Look for other modules that inject packets behind the driver's hook, and unload "
		"them.",
	[IPSECDRV_DROP_BAD_SPI] =
		"The peer uses an association that this host no longer has; it makes a new one when "
		"it notices. If it does not, delete its associations or restart its IKE.",
	[IPSECDRV_DROP_SA_STATE] =
		"The association has ended; the next packet of this host starts a negotiation. If "
		"it lasts, compare the clocks and lifetimes of both sides.",
	[IPSECDRV_DROP_WRONG_SA] =
		"The peer sends traffic under an association that was negotiated for other traffic: "
		"make its filters the mirror image of the rules here.",
	[IPSECDRV_DROP_MALFORMED] =
		"The packet was damaged or forged on the way; capture it on the link to see where.",
	[IPSECDRV_DROP_REPLAY] =
		"A few are duplicates of the network. Many mean strong reordering, or somebody who "
		"plays packets back.",
	[IPSECDRV_DROP_INTEGRITY] =
		"The packet was changed on the way, or both sides have different keys. If every "
		"packet is hit, delete the associations so that they are negotiated anew.",
	[IPSECDRV_DROP_SEQUENCE_OVERFLOW] =
		"A new association is negotiated with the next packet; use shorter lifetimes.",
	[IPSECDRV_DROP_FRAGMENT] =
		"Leave the ports out of the rule, or keep the sender from fragmenting "
		"(a smaller MTU or MSS).",
	[IPSECDRV_DROP_NEGOTIATION_FAILED] =
		"Mend what made it fail: key, methods and mirrored filters on both sides, and UDP "
		"ports 500 and 4500 open between them. It is tried again one minute after it failed.",
	[IPSECDRV_DROP_NO_LISTENER] =
		"Start the policy agent (systemctl start ipsec-policy-agent).",
	[IPSECDRV_DROP_HOLD_LIMIT] =
		"Nothing, if the negotiation ends soon; else find out why it does not "
		"(\"dynamic show mmsas\").",
	[IPSECDRV_DROP_HOLD_TIMEOUT] =
		"See that ipsec-ike runs (\"ipsecctl status\") and that the peer answers on UDP port "
		"500.",
	[IPSECDRV_DROP_POLICY_CHANGED] =
		"Nothing; the next packet is judged by the new policy.",
	[IPSECDRV_DROP_ACQUIRE_LIMIT] =
		"Wait until some negotiations have ended; if there are always so many, look for a "
		"scan that starts them, and block it.",
	[IPSECDRV_DROP_MULTICAST] =
		"IKE cannot negotiate for groups: add a rule that permits or blocks this address, or "
		"set ipsecexempt to 0 or 1.",
	[IPSECDRV_DROP_NO_MEMORY] = "Free memory; the driver goes on by itself.",
	[IPSECDRV_DROP_CRYPTO] =
		"See the kernel log; the algorithm or its module may be missing from this kernel.",
	[IPSECDRV_DROP_TOO_BIG] =
		"The sender was told to send smaller packets. If it does not listen, set a smaller "
		"MTU on the route.",
	[IPSECDRV_DROP_NO_ROUTE] = "Add a route to the tunnel endpoint.",
	[IPSECDRV_DROP_TEARDOWN] = "Nothing; the driver was being unloaded.",
	[IPSECDRV_DROP_DUMMY] = "Nothing; the peer sends such packets to hide how much it says.",
	[IPSECDRV_DROP_ECN] =
		"Nothing; the sender takes it for the loss that its kind of traffic understands.",
	[IPSECDRV_DROP_TUNNEL_LOOP] =
		"Mend the routes, or the rule: the tunnel endpoint must be reached without the "
		"tunnel.",
	[IPSECDRV_DROP_BACKLOG] =
		"This host is too slow for what it gets; spread the load over more CPUs or lower it.",
	[IPSECDRV_DROP_NO_INTERFACE] =
		"There is no route to the remote address, so no rule for LAN or dial-up connections can "
		"be told to apply or not. Add a route.",
	[IPSECDRV_DROP_UDP_MISMATCH] =
		"The peer and this host do not agree on whether there is a NAT between them: delete "
		"the associations so that they are negotiated anew.",
	[IPSECDRV_DROP_KEEPALIVE] = "Nothing; it only kept a NAT from forgetting the peer.",
	[IPSECDRV_DROP_PARALLEL_LIMIT] =
		"More is sent than all CPUs together can encrypt: lower the load, or use a cipher that "
		"this machine has instructions for.",
};

static const char *const pass_remedies[] = {
	[IPSECDRV_PASS_REASON_NONE] = "Nothing is to be done.",
	[IPSECDRV_PASS_REASON_LOOPBACK] = "Traffic of this host with itself is never filtered.",
	[IPSECDRV_PASS_REASON_MODE] =
		"Nothing is filtered in this mode. Start the policy agent to have the policy "
		"enforced.",
	[IPSECDRV_PASS_REASON_EXEMPT] =
		"IKE and neighbour discovery always pass. What else does is chosen by \"dynamic set "
		"config ipsecexempt\"; 3 is nothing else.",
	[IPSECDRV_PASS_REASON_NO_FILTER] =
		"If it should be secured or blocked, add a rule for it (\"dynamic add rule ?\").",
	[IPSECDRV_PASS_REASON_PERMIT_FILTER] =
		"This is what the policy asks for. If it is not meant, delete the rule, or add a more "
		"specific one.",
	[IPSECDRV_PASS_REASON_INBOUND_PASSTHROUGH] =
		"The answer is secured. To refuse clear text, set actioninbound=negotiate.",
	[IPSECDRV_PASS_REASON_SOFT_SA] =
		"The peer gave no answer to IKE. To refuse clear text, set soft=no in the quick mode "
		"policy; to secure it, start IKE at the peer.",
	[IPSECDRV_PASS_REASON_STATEFUL] =
		"The policy agent has not taken over yet; start it to have the policy enforced.",
	[IPSECDRV_PASS_REASON_BOOT_EXEMPT] =
		"\"dynamic set config bootexemptions\" chooses what passes before the agent runs.",
};

static const char *find(const char *const *remedies, size_t n, int value)
{
	return value >= 0 && (size_t)value < n ? remedies[value] : NULL;
}

const char *nl_drop_remedy(const char *reason)
{
	return find(drop_remedies, sizeof(drop_remedies) / sizeof(drop_remedies[0]),
		    nl_drop_reason_from_name(reason));
}

const char *nl_pass_remedy(const char *reason)
{
	return find(pass_remedies, sizeof(pass_remedies) / sizeof(pass_remedies[0]),
		    nl_pass_reason_from_name(reason));
}
