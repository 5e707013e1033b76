/*
 * Named character references of the WHATWG HTML standard, section 13.5.
 * Used by the tokeniser only (html_tokens.h has the decoding).
 */
#ifndef KPWATCH_HTML_ENTITIES_H
#define KPWATCH_HTML_ENTITIES_H

#include <stdint.h>

struct html_entity {
	char name[33];	 /* without "&"; with ";" where it belongs to it */
	uint32_t first;	 /* code point */
	uint32_t second; /* 0 when there is none */
};

extern const struct html_entity html_entities[];
extern const unsigned html_entity_count;
extern const uint16_t html_entity_first[129];

#endif
