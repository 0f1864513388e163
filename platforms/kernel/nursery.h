// Nursery: a process that forks the first agent of each life, for the harness.
//
// A harness that holds long histories is large: to fork it is to copy its page tables, and each
// page that it writes afterwards. The nursery is forked from it once, while it is small. What the
// nursery forks is the harness's own child, in its process group; the nursery is in one of its own,
// so that who waits for the one group waits for agents alone. It must never do anything else: what
// it holds, every task of every life has.
#ifndef IPCSPEC_PLATFORMS_KERNEL_NURSERY_H_
#define IPCSPEC_PLATFORMS_KERNEL_NURSERY_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "platforms/kernel/mailbox.h"

namespace ipcspec {

class Nursery {
 public:
  // Not running.
  explicit Nursery(Mailboxes& memory) : box_(memory.nursery), memory_(memory) {}
  ~Nursery();
  Nursery(const Nursery&) = delete;

  // Forks it. Agents may have so many descriptors. Unavailable: the system does not fork.
  absl::Status Start(int64_t max_descriptors);

  // Asks for an agent that serves slot 0 and works in `directory`. Whether there is one tells
  // Born().
  void Order(const std::string& directory);
  // What came of it: the process id, or -errno; none: it has not answered yet.
  std::optional<int64_t> Born() const;

 private:
  Mailbox& box_;
  Mailboxes& memory_;
  pid_t pid_ = -1;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_NURSERY_H_
