// ReproInC turns a program into one C file that shows on a bare kernel what the program does, for
// people who have no ipcspec: a kernel maintainer reads it, builds it with gcc and runs it.
//
// How: the reference plays the program first (plan.h). What each step must then do is known,
// and stands in the file as ordinary C beside the calls themselves.
#ifndef IPCSPEC_PLATFORMS_REPRO_REPRO_H_
#define IPCSPEC_PLATFORMS_REPRO_REPRO_H_

#include <string>

#include "impl/call/program.h"

namespace ipcspec {

// One C11 file that needs libc only and has no warnings under -Wall -Wextra. It exits with 1 where
// the kernel does what the documents do not allow, with 2 where it could not set itself up, else
// with 0: also when the kernel took another path than the reference, as far as it is allowed.
std::string ReproInC(const Program& program);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_REPRO_H_
