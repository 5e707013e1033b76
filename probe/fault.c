#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

void
fault_say(const struct fault_sink *s, uint64_t at, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	s->fault(s->arg, at, text);
}
