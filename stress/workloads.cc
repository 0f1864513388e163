#include "stress/workloads.h"

#include <iterator>

namespace ipcspec {

const std::vector<Workload>& AllWorkloads() {
  static const auto& all = *[] {
    auto* list = new std::vector<Workload>;
    for (auto part : {PipeWorkloads(), SysvMsgWorkloads(), SysvSemWorkloads(), SysvShmWorkloads(),
                      PosixMqWorkloads(), PosixSemWorkloads(), MemoryWorkloads(), FaultWorkloads(),
                      LongWorkloads()}) {
      list->insert(list->end(), std::make_move_iterator(part.begin()),
                   std::make_move_iterator(part.end()));
    }
    return list;
  }();
  return all;
}

}  // namespace ipcspec
