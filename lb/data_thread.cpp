#include "lb/data_thread.h"

#include "net/io/loop.h"
#include "net/io/resolver.h"

#include "lb/connection_pool.h"
#include "lb/listener_handler.h"
#include "lb/listener_server.h"
#include "lb/upstream_client.h"

#include <pthread.h>

#include <future>
#include <system_error>
#include <utility>

namespace sk::lb {

// Everything of the thread, in the order in which it depends on each other.
struct DataThread::Inside {
  Inside(Serving& shared, std::uint32_t index, std::unique_ptr<Loop> the_loop)
      : serving(shared),
        loop(std::move(the_loop)),
        log(shared.log_writer),
        resolver(*loop),
        context{
            *loop, log, shared.metrics.thread(index), shared.config, shared.router, shared.state,
            {},    {}},
        proxy(context),
        tasks(*loop) {
    make_upstreams(index);
    for (const std::unique_ptr<OpenListener>& listener : shared.listeners) {
      if (!listener->admin || index == 0) {
        servers.push_back(std::make_unique<ListenerServer>(shared, *listener, context, proxy));
      }
    }
  }

  void make_upstreams(std::uint32_t thread);
  std::unique_ptr<EndpointClient> make_client(std::uint32_t thread, WorkerPlace place);
  LinkEndpoint& link_endpoint(WorkerPlace place) {
    return static_cast<LinkEndpoint&>(context.upstreams[place.upstream]->client(place.endpoint));
  }

  Task<void> stop_accepting(Done done) {
    for (const std::unique_ptr<ListenerServer>& server : servers) {
      co_await server->stop_accepting();
    }
    done();
  }
  Task<void> drain(Done done) {
    for (const std::unique_ptr<ListenerServer>& server : servers) {
      server->drain();
    }
    for (const std::unique_ptr<ListenerServer>& server : servers) {
      co_await server->join();
    }
    done();
  }
  Task<void> finish() {
    for (const std::unique_ptr<UpstreamClient>& upstream : context.upstreams) {
      co_await upstream->close();
    }
    co_await resolver.close();
    loop->stop();
  }

  Serving& serving;
  std::unique_ptr<Loop> loop;
  Log log;
  Resolver resolver;
  ThreadContext context;
  Proxy proxy;
  std::vector<std::unique_ptr<ListenerServer>> servers;
  TaskGroup tasks;
};

void DataThread::Inside::make_upstreams(std::uint32_t thread) {
  for (std::uint32_t upstream = 0; upstream < serving.upstreams.size(); ++upstream) {
    std::vector<std::unique_ptr<EndpointClient>> clients;
    const Endpoints& endpoints = serving.upstreams[upstream]->endpoints();
    for (std::uint32_t endpoint = 0; endpoint < endpoints.size(); ++endpoint) {
      clients.push_back(make_client(thread, {upstream, endpoint}));
    }
    context.upstreams.push_back(
        std::make_unique<UpstreamClient>(*serving.upstreams[upstream], std::move(clients)));
  }
  for (const RouteConfig& route : serving.config.routes) {
    std::uint32_t position = 0;
    while (serving.config.upstreams[position].name != route.upstream) {
      ++position;  // config_check.h has seen that it is there
    }
    context.route_upstreams.push_back(position);
  }
}

std::unique_ptr<EndpointClient> DataThread::Inside::make_client(std::uint32_t thread,
                                                                WorkerPlace place) {
  Upstream& upstream = *serving.upstreams[place.upstream];
  if (upstream.is_link()) {
    return std::make_unique<LinkEndpoint>(*loop, *upstream.endpoints()[place.endpoint],
                                          [this, place, thread](const LinkEvent& event) {
                                            serving.on_link_event(place, thread, event);
                                          });
  }
  ConfigAddress address;
  if (upstream.has_workers()) {
    address = {ConfigAddress::Kind::ip, "127.0.0.1",
               serving.worker_ports[place.upstream][place.endpoint]};
  } else {
    address = upstream.config().endpoints[place.endpoint].address;
  }
  return std::make_unique<ConnectionPool>(*loop, resolver, context.metrics, upstream.config(),
                                          std::move(address));
}

DataThread::DataThread(Serving& serving, std::uint32_t index, IoBackend backend)
    : serving_(serving), index_(index), backend_(backend) {}

DataThread::~DataThread() { SK_ASSERT(!thread_.joinable()); }

Result<void> DataThread::start() {
  std::promise<Result<void>> started;
  std::future<Result<void>> outcome = started.get_future();
  thread_ = std::thread(
      [this, &started] { run([&started](Result<void> result) { started.set_value(result); }); });
  pthread_setname_np(thread_.native_handle(), ("data " + std::to_string(index_)).c_str());
  const Result<void> result = outcome.get();
  if (!result) {
    thread_.join();
  }
  return result;
}

void DataThread::run(std::function<void(Result<void>)> started) {
  std::unique_ptr<Loop> loop;
  try {
    LoopConfig config;
    config.buffers = serving_.sizing.buffers;
    loop = Loop::create(backend_, config);
  } catch (const std::system_error& error) {
    started(fail(error_from_errno(error.code().value(), "event loop")));
    return;
  }
  Inside inside(serving_, index_, std::move(loop));
  inside_ = &inside;
  started({});
  inside.loop->run();
  may_destroy_.acquire();
}

void DataThread::post(std::move_only_function<void(Inside&)> message) {
  inside_->loop->post([inside = inside_, run = std::move(message)]() mutable { run(*inside); });
}

void DataThread::start_accepting() {
  post([](Inside& inside) {
    for (const std::unique_ptr<ListenerServer>& server : inside.servers) {
      server->start_accepting();
    }
  });
}

void DataThread::attach_link(WorkerPlace place, std::uint64_t process, int fd, LinkPage page,
                             const LinkLimits& limits, std::uint64_t boot_id) {
  post([=, page = std::move(page)](Inside& inside) mutable {
    inside.link_endpoint(place).attach(process, fd, std::move(page), limits, boot_id);
  });
}

void DataThread::detach_link(WorkerPlace place, std::uint64_t process) {
  post([=](Inside& inside) { inside.link_endpoint(place).detach(process); });
}

void DataThread::forget_idle(WorkerPlace place) {
  post([=](Inside& inside) {
    static_cast<ConnectionPool&>(inside.context.upstreams[place.upstream]->client(place.endpoint))
        .forget_idle();
  });
}

void DataThread::stop_accepting(Done done) {
  post([done = std::move(done)](Inside& inside) mutable {
    inside.tasks.spawn(inside.stop_accepting(std::move(done)));
  });
}

void DataThread::drain(Done done) {
  post([done = std::move(done)](Inside& inside) mutable {
    inside.tasks.spawn(inside.drain(std::move(done)));
  });
}

void DataThread::abort() {
  post([](Inside& inside) {
    for (const std::unique_ptr<ListenerServer>& server : inside.servers) {
      server->abort();
    }
  });
}

void DataThread::finish() {
  post([](Inside& inside) { inside.tasks.spawn(inside.finish()); });
}

void DataThread::join() {
  if (thread_.joinable()) {
    may_destroy_.release();
    thread_.join();
  }
}

}  // namespace sk::lb
