/* Tables of character encodings, for charset.c alone. */
#ifndef KPWATCH_CHARSET_TABLE_H
#define KPWATCH_CHARSET_TABLE_H

#include <stdint.h>

struct charset_label {
	const char *label;
	const char *name;
};

extern const struct charset_label charset_labels[];
extern const unsigned charset_label_count;

/* KPS 9566 (1997, and the syllables of 2011): sets what the lead byte and each
 * trail byte mean together; cells without a character are left as they are. */
void kps9566_row(unsigned lead, uint16_t row[256]);

#endif
