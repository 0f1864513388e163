// POSIX semaphores: libc's functions, which the agent calls (posix_sem_agent.h).
#include <cerrno>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

static void Refuse(Request& r) { r.Op(kRefuse), r.Int(0, ENOSYS); }

void Lower(const PsemInit&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemDestroy&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemOpen&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemClose&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemUnlink&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemPost&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemTryWait&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemWait&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const PsemGetValue&, const LoweringContext&, Request& r) { Refuse(r); }
void Decode(const PsemGetValue&, const LoweringContext&, const Mailbox&, Outcome&) {}

}  // namespace ipcspec
