"""The table of the calls below /api/. Their routes and their OpenAPI document are generated from it."""

from server.http import member_calls, report_calls, site_calls
from server.http.api import endpoint
from server.http.api_types import (
    AmendToken,
    Authenticate,
    BlockNow,
    ClearMessages,
    ConversationPage,
    DisconnectNow,
    ErasedMessages,
    KeyCall,
    MemberProfile,
    MessageHistory,
    MessageUsernames,
    ProfileOf,
    Removed,
    ReportPage,
    ReportsCall,
    SiteBlocklist,
    TokenAnswer,
    Usernames,
)

ENDPOINTS = (
    endpoint("/api/authenticate", "Sign a token.", site_calls.authenticate, Authenticate, TokenAnswer),
    endpoint("/api/amend-jwt", "Replace the claims of a member in the room.", site_calls.amend_token, AmendToken),
    endpoint(
        "/api/blocklist",
        "Replace the list of people that a member has blocked on the site.",
        site_calls.blocklist,
        SiteBlocklist,
    ),
    endpoint("/api/block/now", "Make people block each other.", site_calls.block_now, BlockNow),
    endpoint("/api/disconnect/now", "Disconnect people.", site_calls.disconnect_now, DisconnectNow, Removed),
    endpoint(
        "/api/message/clear",
        "Delete the direct messages of a person (with APIKey), or of the token's member (with JWTToken).",
        site_calls.clear_messages,
        ClearMessages,
        ErasedMessages,
        by_key=False,
    ),
    endpoint(
        "/api/message/history",
        "Read a conversation.",
        member_calls.message_history,
        MessageHistory,
        ConversationPage,
        by_key=False,
    ),
    endpoint(
        "/api/message/usernames",
        "List conversations.",
        member_calls.message_usernames,
        MessageUsernames,
        Usernames,
        by_key=False,
    ),
    endpoint("/api/profile", "Read a profile.", member_calls.profile, ProfileOf, MemberProfile, by_key=False),
    endpoint("/api/shutdown", "Shut down all servers of the room; their exit code is 1.", site_calls.shutdown, KeyCall),
    endpoint("/api/reports", "List reports, or read one with evidence.", report_calls.reports, ReportsCall, ReportPage),
)
