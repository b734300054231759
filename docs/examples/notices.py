"""A plugin for daemon and client: whoever may, tells event listeners something."""

import xmlrpc.client

from supervisor import events
from supervisor.dispatchers import RejectEvent
from supervisor.supervisorctl import ControllerPluginBase
from supervisor.xmlrpc import Faults, RPCError


class NoticeEvent(events.Event):
    """Somebody has something to say."""

    def __init__(self, text):
        self.text = text

    def payload(self):
        return f"text:{self.text}"


# When the module is imported: then ``events=NOTICE`` of a listener is known.
events.register("NOTICE", NoticeEvent)

Faults.EMPTY_NOTICE = 1001


class Notices:
    """The methods of the namespace."""

    def __init__(self, supervisord, longest):
        self._supervisord = supervisord
        self._longest = longest
        self._given_up = []
        events.subscribe(events.ProcessStateFatalEvent, self._heard)

    def _heard(self, event):
        self._given_up.append(event.process.config.name)

    def send(self, text):
        """
        Tell event listeners something.

        @param string text  what they are told
        @return boolean result  always true
        """
        if not text:
            raise RPCError(Faults.EMPTY_NOTICE)
        events.notify(NoticeEvent(text[: self._longest]))
        return True

    def getGivenUp(self):
        """
        Tell which processes were given up since the start.

        @return array result  their names
        """
        return self._given_up


def make_notices(supervisord, longest="80"):
    return Notices(supervisord, int(longest))


def judge(event, response):
    """Take what a listener answers: LATER means that it wants the event again."""
    if response == b"LATER":
        raise RejectEvent(response)


class NoticeCommands(ControllerPluginBase):
    """The actions of the client."""

    def do_notice(self, text):
        if not self.ctl.upcheck():
            return
        try:
            self.ctl.get_server_proxy("notices").send(text)
        except xmlrpc.client.Fault as fault:
            self.ctl.output(f"notice: ERROR ({fault.faultString})")
            self.ctl.exitstatus = 1
        else:
            self.ctl.output("notice: sent")

    def help_notice(self):
        self.ctl.output("notice <text>\tTell event listeners something.")


def make_commands(controller, **options):
    return NoticeCommands(controller)
