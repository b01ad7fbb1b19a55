// SPDX-License-Identifier: MIT
#include "ike/status.h"

#include "ike/engine.h"
#include "ike/names.h"
#include "ike/report.h"
#include "ike/vid.h"

void status_add(struct wire_out *out, uint32_t vids, uint32_t message_id, enum ike_reason reason)
{
	uint8_t data[8];
	struct writer w = writer_make(data, sizeof(data));
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = IKE_NOTIFY_MS_STATUS,
	};

	if (!(vids & (VID_MICROSOFT | VID_IPSEC_POLICY)))
		return;
	if (message_id)
		writer_u32(&w, message_id);
	writer_u32(&w, (uint32_t)reason);
	notify.data = (struct bytes){ data, w.len };
	wire_add_notify(out, &notify);
}

bool status_read(const struct wire_notify *notify, enum ike_reason *ret_reason)
{
	struct reader r = reader_from(notify->data);
	uint32_t number;

	if (notify->data.len > 4)
		reader_skip(&r, 4);
	number = reader_u32(&r);
	if (!reader_is_done(&r))
		return false;
	*ret_reason = report_status_reason(number);
	return true;
}
