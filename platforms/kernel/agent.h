// Agent: a process that carries out the calls of one task.
//
// It takes requests from its mailbox and makes them, as the raw system call, or the libc function
// for what libc implements. A request that forks makes another agent. One that execs starts this
// program again, as `ipcspec --agent=SLOT --memory=FILE --descriptors=N`, which goes on serving
// before its main: any program that links this can. An agent has descriptors 0 to 2 and no others,
// no handler, no blocked signal; it makes no call that was not asked for, beyond telling of its
// answers and waiting on its mailbox.
#ifndef IPCSPEC_PLATFORMS_KERNEL_AGENT_H_
#define IPCSPEC_PLATFORMS_KERNEL_AGENT_H_

#include <string>

#include "platforms/kernel/mailbox.h"

namespace ipcspec {

// Where the run keeps a copy of this program and the shared memory, from the directory that agents
// work in.
inline constexpr char kAgentImage[] = "../ipcspec";
inline constexpr char kAgentMemory[] = "../memory";

// Becomes an agent, in a process just forked for it, working in `directory`. Does not return.
[[noreturn]] void RunAgent(Mailboxes& memory, int slot, const std::string& directory,
                           int64_t max_descriptors);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_AGENT_H_
