// Clauses of the descriptors of POSIX message queues, which are files to Linux alone: mq_open(3),
// read(2), write(2), ftruncate(2), fcntl(2).
#include <fcntl.h>

#include "conformance/clause.h"

namespace ipcspec {
namespace {

CLAUSE(PosixMq, DescriptorIsNoFile, "mq_open(3)",
       "Whatever calls on files do with the descriptor of a queue, its messages stay") {
  const Fd q = a.Must(
      MqOpen{.name = "/q", .flags = O_CREAT | O_RDWR, .mode = 0600, .maxmsg = 2, .msgsize = 16});
  a.Must(MqSend{.fd = q, .data = "message"});
  a.Do(Ftruncate{.fd = q, .length = 0});
  a.Do(Write{.fd = q, .data = "file"});
  a.Do(SetStatusFlags{.fd = q, .flags = O_DIRECT});
  a.Do(SetStatusFlags{.fd = q, .flags = 0});
  EXPECT_THAT(a.Do(MqReceive{.fd = q}), Gives(7, "message"));
}

}  // namespace
}  // namespace ipcspec
