// Agent: a process that carries out the calls of one task.
//
// It takes requests from its mailbox and makes them, as the raw system call, or the libc function
// for what libc implements. A request that forks makes another agent. An agent has descriptors 0
// to 2 and no others, no handler, no blocked signal; it makes no call that was not asked for,
// beyond waiting on its mailbox.
#ifndef IPCSPEC_PLATFORMS_KERNEL_AGENT_H_
#define IPCSPEC_PLATFORMS_KERNEL_AGENT_H_

#include <string>

#include "platforms/kernel/mailbox.h"

namespace ipcspec {

// Where the run keeps a copy of this program and the shared memory, from the directory that agents
// work in.
inline constexpr char kAgentImage[] = "../ipcspec";
inline constexpr char kAgentMemory[] = "../memory";

// Becomes an agent, in a process just forked by the harness, working in `directory`. Does not
// return.
[[noreturn]] void RunAgent(Mailboxes& memory, int slot, const std::string& directory,
                           int64_t max_descriptors);

// A task that makes an exec call is this program again: `ipcspec --agent=SLOT --memory=FILE
// --descriptors=N`. If the arguments say so, goes on serving and does not return; else false.
bool MaybeRunAsAgent(int argc, char** argv);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_AGENT_H_
