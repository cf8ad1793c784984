#pragma once
#include <linux/falloc.h>
#include <sys/types.h>

// <fcntl.h> has it for _GNU_SOURCE alone, which the module of the C library is not built with.
int fallocate(int descriptor, int mode, off_t offset, off_t length);
