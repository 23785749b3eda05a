// The patterns that bench/match matches, in the notation `:param` and `*rest`, with the methods that each one has.

const parse = (text) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pattern, ...methods]) => ({ pattern, methods }))

/** An application of fifteen routes. */
export const small = parse(`
  / GET
  /health GET
  /login POST
  /logout POST
  /users GET POST
  /users/me GET PATCH
  /users/:user GET PATCH DELETE
  /users/:user/avatar GET PUT
  /users/:user/orders GET
  /items GET POST
  /items/search GET
  /items/:slug GET PATCH DELETE
  /items/:slug/reviews GET POST
  /items/:slug/reviews/:review GET DELETE
  /files/*path GET
`)

/** GitHub's REST API, https://docs.github.com/en/rest. */
export const github = parse(`
  / GET
  /advisories GET
  /advisories/:ghsa_id GET
  /app GET
  /app/hook/config GET PATCH
  /app/hook/deliveries GET
  /app/hook/deliveries/:delivery_id GET
  /app/hook/deliveries/:delivery_id/attempts POST
  /app/installation-requests GET
  /app/installations GET
  /app/installations/:installation_id GET DELETE
  /app/installations/:installation_id/access_tokens POST
  /app/installations/:installation_id/suspended PUT DELETE
  /apps/:app_slug GET
  /assignments/:assignment_id GET
  /assignments/:assignment_id/accepted_assignments GET
  /assignments/:assignment_id/grades GET
  /classrooms GET
  /classrooms/:classroom_id GET
  /classrooms/:classroom_id/assignments GET
  /codes_of_conduct GET
  /codes_of_conduct/:key GET
  /emojis GET
  /enterprises/:enterprise/dependabot/alerts GET
  /enterprises/:enterprise/secret-scanning/alerts GET
  /events GET
  /feeds GET
  /gists GET POST
  /gists/public GET
  /gists/starred GET
  /gists/:gist_id GET PATCH DELETE
  /gists/:gist_id/comments GET POST
  /gists/:gist_id/comments/:comment_id GET PATCH DELETE
  /gists/:gist_id/commits GET
  /gists/:gist_id/forks GET POST
  /gists/:gist_id/star GET PUT DELETE
  /gists/:gist_id/:sha GET
  /gitignore/templates GET
  /gitignore/templates/:name GET
  /installation/repositories GET
  /installation/token DELETE
  /issues GET
  /licenses GET
  /licenses/:license GET
  /markdown POST
  /markdown/raw POST
  /meta GET
  /networks/:owner/:repo/events GET
  /notifications GET PUT
  /notifications/threads/:thread_id GET PATCH DELETE
  /notifications/threads/:thread_id/subscription GET PUT DELETE
  /octocat GET
  /organizations GET
  /orgs/:org GET PATCH DELETE
  /orgs/:org/actions/cache/usage GET
  /orgs/:org/actions/cache/usage-by-repository GET
  /orgs/:org/actions/permissions GET PUT
  /orgs/:org/actions/permissions/repositories GET PUT
  /orgs/:org/actions/permissions/repositories/:repository_id PUT DELETE
  /orgs/:org/actions/permissions/selected-actions GET PUT
  /orgs/:org/actions/permissions/workflow GET PUT
  /orgs/:org/actions/runner-groups GET POST
  /orgs/:org/actions/runner-groups/:runner_group_id GET PATCH DELETE
  /orgs/:org/actions/runners GET
  /orgs/:org/actions/runners/downloads GET
  /orgs/:org/actions/runners/registration-token POST
  /orgs/:org/actions/runners/:runner_id GET DELETE
  /orgs/:org/actions/runners/:runner_id/labels GET POST PUT DELETE
  /orgs/:org/actions/runners/:runner_id/labels/:name DELETE
  /orgs/:org/actions/secrets GET
  /orgs/:org/actions/secrets/public-key GET
  /orgs/:org/actions/secrets/:secret_name GET PUT DELETE
  /orgs/:org/actions/secrets/:secret_name/repositories GET PUT
  /orgs/:org/actions/secrets/:secret_name/repositories/:repository_id PUT DELETE
  /orgs/:org/actions/variables GET POST
  /orgs/:org/actions/variables/:name GET PATCH DELETE
  /orgs/:org/blocks GET
  /orgs/:org/blocks/:username GET PUT DELETE
  /orgs/:org/code-scanning/alerts GET
  /orgs/:org/codespaces GET
  /orgs/:org/copilot/billing GET
  /orgs/:org/copilot/billing/seats GET
  /orgs/:org/dependabot/alerts GET
  /orgs/:org/dependabot/secrets GET
  /orgs/:org/dependabot/secrets/:secret_name GET PUT DELETE
  /orgs/:org/events GET
  /orgs/:org/failed_invitations GET
  /orgs/:org/hooks GET POST
  /orgs/:org/hooks/:hook_id GET PATCH DELETE
  /orgs/:org/hooks/:hook_id/config GET PATCH
  /orgs/:org/hooks/:hook_id/deliveries GET
  /orgs/:org/hooks/:hook_id/pings POST
  /orgs/:org/installation GET
  /orgs/:org/installations GET
  /orgs/:org/interaction-limits GET PUT DELETE
  /orgs/:org/invitations GET POST
  /orgs/:org/invitations/:invitation_id DELETE
  /orgs/:org/invitations/:invitation_id/teams GET
  /orgs/:org/issues GET
  /orgs/:org/members GET
  /orgs/:org/members/:username GET DELETE
  /orgs/:org/memberships/:username GET PUT DELETE
  /orgs/:org/migrations GET POST
  /orgs/:org/migrations/:migration_id GET
  /orgs/:org/migrations/:migration_id/archive GET DELETE
  /orgs/:org/outside_collaborators GET
  /orgs/:org/outside_collaborators/:username PUT DELETE
  /orgs/:org/packages GET
  /orgs/:org/packages/:package_type/:package_name GET DELETE
  /orgs/:org/packages/:package_type/:package_name/versions GET
  /orgs/:org/packages/:package_type/:package_name/versions/:package_version_id GET DELETE
  /orgs/:org/projects GET POST
  /orgs/:org/properties/schema GET PATCH
  /orgs/:org/properties/values GET PATCH
  /orgs/:org/public_members GET
  /orgs/:org/public_members/:username GET PUT DELETE
  /orgs/:org/repos GET POST
  /orgs/:org/rulesets GET POST
  /orgs/:org/rulesets/:ruleset_id GET PUT DELETE
  /orgs/:org/secret-scanning/alerts GET
  /orgs/:org/security-advisories GET
  /orgs/:org/security-managers GET
  /orgs/:org/teams GET POST
  /orgs/:org/teams/:team_slug GET PATCH DELETE
  /orgs/:org/teams/:team_slug/discussions GET POST
  /orgs/:org/teams/:team_slug/discussions/:discussion_number GET PATCH DELETE
  /orgs/:org/teams/:team_slug/discussions/:discussion_number/comments GET POST
  /orgs/:org/teams/:team_slug/discussions/:discussion_number/comments/:comment_number GET PATCH DELETE
  /orgs/:org/teams/:team_slug/invitations GET
  /orgs/:org/teams/:team_slug/members GET
  /orgs/:org/teams/:team_slug/memberships/:username GET PUT DELETE
  /orgs/:org/teams/:team_slug/repos GET
  /orgs/:org/teams/:team_slug/repos/:owner/:repo GET PUT DELETE
  /orgs/:org/teams/:team_slug/teams GET
  /projects/columns/:column_id GET PATCH DELETE
  /projects/:project_id GET PATCH DELETE
  /rate_limit GET
  /repos/:owner/:repo GET PATCH DELETE
  /repos/:owner/:repo/actions/artifacts GET
  /repos/:owner/:repo/actions/artifacts/:artifact_id GET DELETE
  /repos/:owner/:repo/actions/artifacts/:artifact_id/:archive_format GET
  /repos/:owner/:repo/actions/cache/usage GET
  /repos/:owner/:repo/actions/caches GET DELETE
  /repos/:owner/:repo/actions/caches/:cache_id DELETE
  /repos/:owner/:repo/actions/jobs/:job_id GET
  /repos/:owner/:repo/actions/jobs/:job_id/logs GET
  /repos/:owner/:repo/actions/jobs/:job_id/rerun POST
  /repos/:owner/:repo/actions/permissions GET PUT
  /repos/:owner/:repo/actions/runners GET
  /repos/:owner/:repo/actions/runners/:runner_id GET DELETE
  /repos/:owner/:repo/actions/runs GET
  /repos/:owner/:repo/actions/runs/:run_id GET DELETE
  /repos/:owner/:repo/actions/runs/:run_id/approvals GET
  /repos/:owner/:repo/actions/runs/:run_id/artifacts GET
  /repos/:owner/:repo/actions/runs/:run_id/attempts/:attempt_number GET
  /repos/:owner/:repo/actions/runs/:run_id/attempts/:attempt_number/jobs GET
  /repos/:owner/:repo/actions/runs/:run_id/cancel POST
  /repos/:owner/:repo/actions/runs/:run_id/jobs GET
  /repos/:owner/:repo/actions/runs/:run_id/logs GET DELETE
  /repos/:owner/:repo/actions/runs/:run_id/rerun POST
  /repos/:owner/:repo/actions/runs/:run_id/timing GET
  /repos/:owner/:repo/actions/secrets GET
  /repos/:owner/:repo/actions/secrets/public-key GET
  /repos/:owner/:repo/actions/secrets/:secret_name GET PUT DELETE
  /repos/:owner/:repo/actions/variables GET POST
  /repos/:owner/:repo/actions/variables/:name GET PATCH DELETE
  /repos/:owner/:repo/actions/workflows GET
  /repos/:owner/:repo/actions/workflows/:workflow_id GET
  /repos/:owner/:repo/actions/workflows/:workflow_id/dispatches POST
  /repos/:owner/:repo/actions/workflows/:workflow_id/runs GET
  /repos/:owner/:repo/activity GET
  /repos/:owner/:repo/assignees GET
  /repos/:owner/:repo/assignees/:assignee GET
  /repos/:owner/:repo/autolinks GET POST
  /repos/:owner/:repo/autolinks/:autolink_id GET DELETE
  /repos/:owner/:repo/branches GET
  /repos/:owner/:repo/branches/:branch GET
  /repos/:owner/:repo/branches/:branch/protection GET PUT DELETE
  /repos/:owner/:repo/branches/:branch/protection/enforce_admins GET POST DELETE
  /repos/:owner/:repo/branches/:branch/protection/required_pull_request_reviews GET PATCH DELETE
  /repos/:owner/:repo/branches/:branch/protection/required_signatures GET POST DELETE
  /repos/:owner/:repo/branches/:branch/protection/required_status_checks GET PATCH DELETE
  /repos/:owner/:repo/branches/:branch/protection/required_status_checks/contexts GET POST PUT DELETE
  /repos/:owner/:repo/branches/:branch/protection/restrictions GET DELETE
  /repos/:owner/:repo/branches/:branch/protection/restrictions/apps GET POST PUT DELETE
  /repos/:owner/:repo/branches/:branch/protection/restrictions/teams GET POST PUT DELETE
  /repos/:owner/:repo/branches/:branch/protection/restrictions/users GET POST PUT DELETE
  /repos/:owner/:repo/branches/:branch/rename POST
  /repos/:owner/:repo/check-runs POST
  /repos/:owner/:repo/check-runs/:check_run_id GET PATCH
  /repos/:owner/:repo/check-runs/:check_run_id/annotations GET
  /repos/:owner/:repo/check-suites POST
  /repos/:owner/:repo/check-suites/preferences PATCH
  /repos/:owner/:repo/check-suites/:check_suite_id GET
  /repos/:owner/:repo/check-suites/:check_suite_id/check-runs GET
  /repos/:owner/:repo/code-scanning/alerts GET
  /repos/:owner/:repo/code-scanning/alerts/:alert_number GET PATCH
  /repos/:owner/:repo/code-scanning/alerts/:alert_number/instances GET
  /repos/:owner/:repo/code-scanning/analyses GET
  /repos/:owner/:repo/code-scanning/analyses/:analysis_id GET DELETE
  /repos/:owner/:repo/codeowners/errors GET
  /repos/:owner/:repo/collaborators GET
  /repos/:owner/:repo/collaborators/:username GET PUT DELETE
  /repos/:owner/:repo/collaborators/:username/permission GET
  /repos/:owner/:repo/comments GET
  /repos/:owner/:repo/comments/:comment_id GET PATCH DELETE
  /repos/:owner/:repo/comments/:comment_id/reactions GET POST
  /repos/:owner/:repo/comments/:comment_id/reactions/:reaction_id DELETE
  /repos/:owner/:repo/commits GET
  /repos/:owner/:repo/commits/:ref GET
  /repos/:owner/:repo/commits/:ref/branches-where-head GET
  /repos/:owner/:repo/commits/:ref/check-runs GET
  /repos/:owner/:repo/commits/:ref/check-suites GET
  /repos/:owner/:repo/commits/:ref/comments GET POST
  /repos/:owner/:repo/commits/:ref/pulls GET
  /repos/:owner/:repo/commits/:ref/status GET
  /repos/:owner/:repo/commits/:ref/statuses GET
  /repos/:owner/:repo/community/profile GET
  /repos/:owner/:repo/compare/:basehead GET
  /repos/:owner/:repo/contents/*path GET PUT DELETE
  /repos/:owner/:repo/contributors GET
  /repos/:owner/:repo/dependabot/alerts GET
  /repos/:owner/:repo/dependabot/alerts/:alert_number GET PATCH
  /repos/:owner/:repo/dependency-graph/sbom GET
  /repos/:owner/:repo/deployments GET POST
  /repos/:owner/:repo/deployments/:deployment_id GET DELETE
  /repos/:owner/:repo/deployments/:deployment_id/statuses GET POST
  /repos/:owner/:repo/deployments/:deployment_id/statuses/:status_id GET
  /repos/:owner/:repo/dispatches POST
  /repos/:owner/:repo/environments GET
  /repos/:owner/:repo/environments/:environment_name GET PUT DELETE
  /repos/:owner/:repo/environments/:environment_name/secrets GET
  /repos/:owner/:repo/environments/:environment_name/variables GET POST
  /repos/:owner/:repo/events GET
  /repos/:owner/:repo/forks GET POST
  /repos/:owner/:repo/git/blobs POST
  /repos/:owner/:repo/git/blobs/:file_sha GET
  /repos/:owner/:repo/git/commits POST
  /repos/:owner/:repo/git/commits/:commit_sha GET
  /repos/:owner/:repo/git/matching-refs/*ref GET
  /repos/:owner/:repo/git/ref/*ref GET
  /repos/:owner/:repo/git/refs POST
  /repos/:owner/:repo/git/refs/*ref PATCH DELETE
  /repos/:owner/:repo/git/tags POST
  /repos/:owner/:repo/git/tags/:tag_sha GET
  /repos/:owner/:repo/git/trees POST
  /repos/:owner/:repo/git/trees/:tree_sha GET
  /repos/:owner/:repo/hooks GET POST
  /repos/:owner/:repo/hooks/:hook_id GET PATCH DELETE
  /repos/:owner/:repo/hooks/:hook_id/config GET PATCH
  /repos/:owner/:repo/hooks/:hook_id/deliveries GET
  /repos/:owner/:repo/hooks/:hook_id/pings POST
  /repos/:owner/:repo/import GET PUT PATCH DELETE
  /repos/:owner/:repo/installation GET
  /repos/:owner/:repo/invitations GET
  /repos/:owner/:repo/invitations/:invitation_id PATCH DELETE
  /repos/:owner/:repo/issues GET POST
  /repos/:owner/:repo/issues/comments GET
  /repos/:owner/:repo/issues/comments/:comment_id GET PATCH DELETE
  /repos/:owner/:repo/issues/comments/:comment_id/reactions GET POST
  /repos/:owner/:repo/issues/events GET
  /repos/:owner/:repo/issues/events/:event_id GET
  /repos/:owner/:repo/issues/:issue_number GET PATCH
  /repos/:owner/:repo/issues/:issue_number/assignees POST DELETE
  /repos/:owner/:repo/issues/:issue_number/comments GET POST
  /repos/:owner/:repo/issues/:issue_number/events GET
  /repos/:owner/:repo/issues/:issue_number/labels GET POST PUT DELETE
  /repos/:owner/:repo/issues/:issue_number/labels/:name DELETE
  /repos/:owner/:repo/issues/:issue_number/lock PUT DELETE
  /repos/:owner/:repo/issues/:issue_number/reactions GET POST
  /repos/:owner/:repo/issues/:issue_number/timeline GET
  /repos/:owner/:repo/keys GET POST
  /repos/:owner/:repo/keys/:key_id GET DELETE
  /repos/:owner/:repo/labels GET POST
  /repos/:owner/:repo/labels/:name GET PATCH DELETE
  /repos/:owner/:repo/languages GET
  /repos/:owner/:repo/license GET
  /repos/:owner/:repo/merges POST
  /repos/:owner/:repo/milestones GET POST
  /repos/:owner/:repo/milestones/:milestone_number GET PATCH DELETE
  /repos/:owner/:repo/milestones/:milestone_number/labels GET
  /repos/:owner/:repo/notifications GET PUT
  /repos/:owner/:repo/pages GET POST PUT DELETE
  /repos/:owner/:repo/pages/builds GET POST
  /repos/:owner/:repo/pages/builds/latest GET
  /repos/:owner/:repo/pages/builds/:build_id GET
  /repos/:owner/:repo/pulls GET POST
  /repos/:owner/:repo/pulls/comments GET
  /repos/:owner/:repo/pulls/comments/:comment_id GET PATCH DELETE
  /repos/:owner/:repo/pulls/comments/:comment_id/reactions GET POST
  /repos/:owner/:repo/pulls/:pull_number GET PATCH
  /repos/:owner/:repo/pulls/:pull_number/comments GET POST
  /repos/:owner/:repo/pulls/:pull_number/commits GET
  /repos/:owner/:repo/pulls/:pull_number/files GET
  /repos/:owner/:repo/pulls/:pull_number/merge GET PUT
  /repos/:owner/:repo/pulls/:pull_number/requested_reviewers GET POST DELETE
  /repos/:owner/:repo/pulls/:pull_number/reviews GET POST
  /repos/:owner/:repo/pulls/:pull_number/reviews/:review_id GET PUT DELETE
  /repos/:owner/:repo/pulls/:pull_number/reviews/:review_id/comments GET
  /repos/:owner/:repo/pulls/:pull_number/reviews/:review_id/events POST
  /repos/:owner/:repo/readme GET
  /repos/:owner/:repo/readme/:dir GET
  /repos/:owner/:repo/releases GET POST
  /repos/:owner/:repo/releases/assets/:asset_id GET PATCH DELETE
  /repos/:owner/:repo/releases/generate-notes POST
  /repos/:owner/:repo/releases/latest GET
  /repos/:owner/:repo/releases/tags/:tag GET
  /repos/:owner/:repo/releases/:release_id GET PATCH DELETE
  /repos/:owner/:repo/releases/:release_id/assets GET POST
  /repos/:owner/:repo/stargazers GET
  /repos/:owner/:repo/stats/code_frequency GET
  /repos/:owner/:repo/stats/contributors GET
  /repos/:owner/:repo/statuses/:sha POST
  /repos/:owner/:repo/subscribers GET
  /repos/:owner/:repo/tags GET
  /repos/:owner/:repo/tarball/:ref GET
  /repos/:owner/:repo/teams GET
  /repos/:owner/:repo/topics GET PUT
  /repos/:owner/:repo/traffic/clones GET
  /repos/:owner/:repo/traffic/views GET
  /repositories GET
  /search/code GET
  /search/commits GET
  /search/issues GET
  /search/repositories GET
  /search/users GET
  /teams/:team_id GET PATCH DELETE
  /user GET PATCH
  /user/emails GET POST DELETE
  /user/followers GET
  /user/following GET
  /user/following/:username GET PUT DELETE
  /user/keys GET POST
  /user/keys/:key_id GET DELETE
  /user/orgs GET
  /user/repos GET POST
  /user/starred GET
  /user/starred/:owner/:repo GET PUT DELETE
  /users GET
  /users/:username GET
  /users/:username/events GET
  /users/:username/followers GET
  /users/:username/following/:target_user GET
  /users/:username/gists GET
  /users/:username/keys GET
  /users/:username/orgs GET
  /users/:username/repos GET
  /users/:username/starred GET
  /versions GET
  /zen GET
`)

/** `count` routes of one to six segments, a third of them params. */
export function generated(count, random) {
  const words = Array.from({ length: Math.max(20, Math.ceil(count / 8)) }, (_, index) => word(index, random))
  const seen = new Set()
  const routes = []
  while (routes.length < count) {
    const depth = 1 + Math.floor(random() * 6)
    let pattern = ''
    let shape = ''
    for (let index = 0; index < depth; index++) {
      const isParam = index > 0 && random() < 0.4
      const name = words[Math.floor(random() * words.length)]
      // One name for each place: some of the peers reject two at one position.
      pattern += isParam ? `/:p${index}` : `/${name}`
      shape += isParam ? '/:' : `/${name}`
    }
    if (seen.has(shape)) continue
    seen.add(shape)
    routes.push({ pattern, methods: ['GET'] })
  }
  return routes
}

function word(index, random) {
  const syllables = [
    'ac',
    'bo',
    'cen',
    'da',
    'er',
    'fil',
    'go',
    'hub',
    'in',
    'ju',
    'kel',
    'lo',
    'mar',
    'no',
    'or',
    'pa',
  ]
  let text = ''
  for (let length = 2 + Math.floor(random() * 2); length > 0; length--)
    text += syllables[Math.floor(random() * syllables.length)]
  return text + index.toString(36)
}

/** 2^depth routes: at each place either the static `a` or a param. */
export const overlapping = (depth) =>
  Array.from({ length: 2 ** depth }, (_, bits) => ({
    pattern: Array.from({ length: depth }, (_, index) => (bits & (1 << index) ? '/a' : `/:p${index}`)).join(''),
    methods: ['GET'],
  }))
