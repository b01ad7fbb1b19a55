// SPDX-License-Identifier: MIT
#include "ike/names.h"

#define ROW(number, name)      \
	case number:           \
		return (name);

const char *ike_payload_name(uint8_t type)
{
	switch (type) {
#define PAYLOAD(number, name) ROW(number, name)
#include "ike/names.def"
	}
	return "?";
}

const char *ike_exchange_name(uint8_t exchange)
{
	switch (exchange) {
#define EXCHANGE(number, name) ROW(number, name)
#include "ike/names.def"
	}
	return "?";
}

const char *ike_notify_name(uint16_t type)
{
	switch (type) {
#define NOTIFY(number, id, name) ROW(number, name)
#include "ike/names.def"
	}
	return "?";
}

const char *ike_mm_attribute_name(uint16_t type)
{
	switch (type) {
#define MM_ATTRIBUTE(number, name) ROW(number, name)
#include "ike/names.def"
	}
	return "?";
}

const char *ike_qm_attribute_name(uint16_t type)
{
	switch (type) {
#define QM_ATTRIBUTE(number, name) ROW(number, name)
#include "ike/names.def"
	}
	return "?";
}
