"""A FastCGI application in C behind nginx, both kept by the daemon: its processes share a socket that outlives each."""
import http.client
import os
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import procfs
from support.waiting import SCALE, eventually, throughout

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:" + os.environ["PATH"])
COMPILER = shutil.which("cc")
COUNT = 3

pytestmark = [pytest.mark.skipif(not NGINX, reason="nginx is not installed (./setup)"),
              pytest.mark.skipif(not COMPILER or not os.path.exists("/usr/include/fcgiapp.h"),
                                 reason="libfcgi-dev is not installed (./setup)"),
              pytest.mark.slow, pytest.mark.limit(120)]

APPLICATION = r"""
#include <fcgiapp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  FCGX_Request request;
  FCGX_Init();
  FCGX_InitRequest(&request, 0, 0);
  while (FCGX_Accept_r(&request) == 0) {
    static char body[400000];
    int count;
    const char* uri = FCGX_GetParam("REQUEST_URI", request.envp);
    if (uri && strstr(uri, "slow")) usleep(200000);
    count = FCGX_GetStr(body, sizeof body, request.in);
    FCGX_FPrintF(request.out, "Content-Type: text/plain\r\n\r\n%d ", (int)getpid());
    FCGX_PutStr(body, count, request.out);
    FCGX_Finish_r(&request);
  }
  return 1;
}
"""

SERVER = """
pid @/n/pid;
worker_processes 1;
events { worker_connections 128; }
http {
  access_log off;
  client_body_temp_path @/n/body; proxy_temp_path @/n/proxy; fastcgi_temp_path @/n/fcgi;
  uwsgi_temp_path @/n/uwsgi; scgi_temp_path @/n/scgi;
  server {
    listen 127.0.0.1:PORT;
    fastcgi_param REQUEST_URI $request_uri;
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param CONTENT_LENGTH $content_length;
    location / { fastcgi_pass ADDRESS; }
  }
}
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("application")
    (folder / "app.c").write_text(APPLICATION)
    subprocess.run([COMPILER, "-O1", "-o", folder / "app", folder / "app.c", "-lfcgi"], check=True)
    return str(folder / "app")


def prepare(box, application, kind):
    """The programs' configuration in the box."""
    shutil.copy(application, box.path("app"))
    port = box.another_port()
    socket, address = {"unix": (f"unix://{box}/app.sock", f"unix:{box}/app.sock"),
                       "tcp": (f"tcp://127.0.0.1:{port}", f"127.0.0.1:{port}")}[kind]
    os.mkdir(box.path("n"))
    os.chmod(box.path("n"), 0o777)
    box.write("nginx.conf", SERVER.replace("@", str(box)).replace("PORT", str(box.port)).replace("ADDRESS", address))
    user = "user=nobody\n" if os.geteuid() == 0 else ""
    mode = "socket_mode=0777\n" if kind == "unix" else ""
    return (f"[fcgi-program:app]\ncommand={box}/app\nsocket={socket}\n{mode}numprocs={COUNT}\n{user}"
            "process_name=%(program_name)s_%(process_num)d\n"
            f"[program:nginx]\ncommand={NGINX} -e {box}/n/error.log -p {box}/n -c {box}/nginx.conf -g 'daemon off;'\n"
            f"stopsignal=QUIT\n{user}")


def ask(box, path="/", body=None):
    """The status and, of a good one, the pid of who answered and what it said."""
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=20 * SCALE)
    try:
        connection.request("POST" if body else "GET", path, body)
        reply = connection.getresponse()
        text = reply.read().decode()
        if reply.status != 200:
            return reply.status, None, None
        pid, _, said = text.partition(" ")
        return 200, int(pid), said
    finally:
        connection.close()


def settle(daemon):
    for name in (*names(), "nginx"):
        daemon.wait_state(name, "RUNNING")
    eventually(lambda: ask(daemon.box)[0] == 200, what=lambda: f"an answer: {daemon.box.read('n/error.log')}")


def names():
    return [f"app:app_{number}" for number in range(COUNT)]


def pids(daemon):
    return {daemon.pid_of(name) for name in names()}


def wait_all_answer(daemon):
    """Until every one of the processes, and no other, has answered in a crowd of requests."""
    def crowd():
        with ThreadPoolExecutor(4 * COUNT) as pool:
            answers = list(pool.map(lambda _: ask(daemon.box, "/slow"), range(4 * COUNT)))
        assert {status for status, *_ in answers} == {200}, answers
        return {pid for _, pid, _ in answers} == pids(daemon)
    eventually(crowd, 20, what="an answer by each process")


def started(pair, application, kind):
    for box in pair.boxes:
        box.programs = prepare(box, application, kind)
    pair.daemons = [box.daemon(box.programs) for box in pair.boxes]
    pair.each(settle)
    return pair


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_processes_share_a_socket(pair, application, kind):
    started(pair, application, kind)

    def session(daemon):
        box = daemon.box
        wait_all_answer(daemon)
        large = "".join(chr(33 + i % 90) for i in range(300000))
        assert ask(box, "/", large)[2] == large
        # One dies: the others answer, and its successor joins them.
        victim = names()[1]
        old = daemon.pid_of(victim)
        os.kill(old, signal.SIGKILL)
        eventually(lambda: not procfs.alive(old), what="its end")
        answers = [ask(box)[:2] for _ in range(30)]
        assert {status for status, _ in answers} == {200} and old not in {pid for _, pid in answers[5:]}
        daemon.wait_new_pid(victim, old)
        daemon.wait_state(victim, "RUNNING")
        wait_all_answer(daemon)
        # One is told to restart, then all: the socket goes with the last and comes with the first.
        seen = [daemon.ctl("restart", victim), box.exists("app.sock")]
        wait_all_answer(daemon)
        stopped = daemon.ctl("stop", "app:*")
        seen += [stopped.code, sorted(stopped.out.splitlines()), ask(box)[0], box.exists("app.sock")]
        seen.append(daemon.ctl("start", names()[0]))
        seen += [ask(box)[0], daemon.ctl("start", "app:*")]
        wait_all_answer(daemon)
        seen.append(sorted(re.sub(r":\d+$", ":PORT", text) for _, text in daemon.messages()
                           if re.search("(Creating|Closing) socket", text)))
        seen.append(daemon.ctl("shutdown"))
        return seen, daemon.wait_exit()
    pair.same(session)


@pytest.mark.beyond("manager")
@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_requests_are_answered_while_the_manager_dies(box, application, kind):
    daemon = box.daemon(prepare(box, application, kind))
    settle(daemon)
    before, old = pids(daemon), daemon.manager
    os.kill(old, signal.SIGKILL)
    throughout(lambda: ask(box)[0] == 200, 0.5, "an answer without a manager")
    daemon.wait_up()
    assert daemon.manager != old and pids(daemon) == before
    victim = names()[0]
    dead = daemon.pid_of(victim)
    os.kill(dead, signal.SIGKILL)
    daemon.wait_new_pid(victim, dead)
    daemon.wait_state(victim, "RUNNING")
    wait_all_answer(daemon)
    daemon.ctl("stop", "app:*")
    assert ask(box)[0] == 502
    daemon.ctl("start", "app:*")
    wait_all_answer(daemon)
