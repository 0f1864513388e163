// Namespaces, limits, /proc/sysvipc and capabilities, as system calls.
#include <cerrno>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

static void Refuse(Request& r) { r.Op(kRefuse), r.Int(0, ENOSYS); }

void Lower(const UnshareIpc&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const SetLimit&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const GetLimit&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const ListIpc&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const DropCapability&, const LoweringContext&, Request& r) { Refuse(r); }
void Lower(const SetGroup&, const LoweringContext&, Request& r) { Refuse(r); }
void Decode(const GetLimit&, const LoweringContext&, const Mailbox&, Outcome&) {}
void Decode(const ListIpc&, const LoweringContext&, const Mailbox&, Outcome&) {}

}  // namespace ipcspec
